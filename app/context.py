"""The current application, request and `g`, taken out of Flask's proxies: these look the object up anew for each attribute."""

from collections.abc import Callable

from flask import Flask, Request, current_app
from flask import g as _g
from flask import request as _request
from flask.ctx import _AppCtxGlobals

app: Callable[[], Flask] = current_app._get_current_object  # type: ignore[attr-defined]
g: Callable[[], _AppCtxGlobals] = _g._get_current_object
request: Callable[[], Request] = _request._get_current_object  # type: ignore[attr-defined]
