"""Hooks for what visitors open. Machine endpoints read no cookie and make no page, so they skip these hooks."""

from collections.abc import Callable
from typing import Any

from flask import Flask, Response

SCOPE = "visitors"  # as if it were one more blueprint around that of the request
MACHINES = frozenset({"api", "log", "oauth"})  # blueprints


def before(app: Flask, hook: Callable[[], Any]) -> None:
    """Have *app* call *hook* before such a request."""
    app.before_request_funcs.setdefault(SCOPE, []).append(hook)


def after(app: Flask, hook: Callable[[Response], Response]) -> None:
    """Have *app* call *hook* with the answer to such a request."""
    app.after_request_funcs.setdefault(SCOPE, []).append(hook)
