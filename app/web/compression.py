"""Pages are compressed only for a client that sent neither a cookie nor a token.

An attacker who can put text into a page that a browser asks for, and sees how long the encrypted answer is,
learns from its compressed length what else is on the page (BREACH). Without credentials, the page holds nothing about a
user. The first page of a new visitor is also the one whose style and script are still to come.
"""

import gzip

from flask import Flask, Response, request

from app import context, machines

_WORTH = 1024  # bytes


def init_app(app: Flask) -> None:
    """Compress an answer if that is safe, as its last change."""
    machines.after_visitors(app, _pack)


def _pack(response: Response) -> Response:
    if response.mimetype != "text/html" or response.is_streamed:
        return response
    response.headers.add("Vary", "Accept-Encoding")
    if _may_pack(response) and request.accept_encodings.quality("gzip"):
        response.set_data(gzip.compress(response.get_data(), 6))
        response.headers["Content-Encoding"] = "gzip"
    return response


def _may_pack(response: Response) -> bool:
    request = context.request()
    if request.method not in ("GET", "HEAD") or response.status_code != 200:
        return False
    knows_user = any(request.environ.get(name) for name in ("HTTP_COOKIE", "HTTP_AUTHORIZATION"))
    return not knows_user and (response.content_length or 0) >= _WORTH
