"""A request's body is read whole before anything acts on the request."""

import io

from flask import Flask, abort
from werkzeug.wrappers import Request

from app import context
from app.serving.reading import MOST_BODY, Whole


def init_app(app: Flask) -> None:
    """Have *app* refuse a body that is too large (413), also one of unknown length that no view would have looked at."""
    app.before_request(_read)


def _read() -> None:
    request = context.request()
    if request.environ.get("CONTENT_LENGTH") == "0":  # as our own server says of nearly all requests
        return
    if isinstance(request.environ["wsgi.input"], Whole):
        request.stream = request.environ["wsgi.input"]  # nothing has to limit it
    elif request.content_length is None and request.environ.get("wsgi.input_terminated"):
        _measure(request)
    request.get_data()


def _measure(request: Request) -> None:
    """Measure a chunked body, which servers other than ours pass on: Werkzeug would cut it at the limit."""
    body = request.environ["wsgi.input"].read(MOST_BODY + 1)
    if len(body) > MOST_BODY:
        abort(413)
    request.environ |= {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
    request.environ.pop("HTTP_TRANSFER_ENCODING", None)
