"""A request's body is read whole before anything acts on the request."""

from flask import Flask, request


def init_app(app: Flask) -> None:
    """Have *app* refuse a body that is too large (413), also one of unknown length that no view would have looked at."""
    app.before_request(_read)


def _read() -> None:
    if not request.form and not request.files:  # each of these has read it, where it is a form
        request.get_data()
