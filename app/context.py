"""What Flask's names stand for here and now. To look through such a name at each attribute takes five times as long."""

from collections.abc import Callable

from flask import Flask, Request, current_app
from flask import g as _g
from flask import request as _request
from flask.ctx import _AppCtxGlobals

app: Callable[[], Flask] = current_app._get_current_object  # type: ignore[attr-defined]
g: Callable[[], _AppCtxGlobals] = _g._get_current_object
request: Callable[[], Request] = _request._get_current_object  # type: ignore[attr-defined]
