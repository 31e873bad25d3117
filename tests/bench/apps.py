"""The floor for the site's acts: applications that do as little as possible."""

import json
import os
from collections.abc import Callable
from functools import partial

import jwt
from flask import Flask, Response, jsonify, request

NAMES = ("sub", "sid", "client_id", "scope")


def empty() -> Flask:
    """A view that does nothing."""
    app = Flask(__name__)
    app.add_url_rule("/api/me", view_func=dict)
    return app


def plain() -> Flask:
    """A view that verifies a JWT with PyJWT and never checks revocation."""
    app = Flask(__name__)
    key, url = jwt.PyJWK(json.loads(os.environ["JWK"])).key, os.environ["SITE_URL"]

    def me() -> dict[str, str]:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, key, algorithms=["ES256"], audience=url, issuer=url)
        return {name: claims[name] for name in NAMES}

    app.add_url_rule("/api/me", view_func=me)
    return app


def floor() -> Flask:
    """Views that send a constant answer: given headers, and JSON or a page."""
    app = Flask(__name__)
    app.json.sort_keys = False  # type: ignore[attr-defined]
    for path, (headers, body) in json.loads(os.environ["ANSWERS"]).items():
        app.add_url_rule(path, path, _constant(headers, body))
    return app


def _constant(headers: dict[str, str], body: str) -> Callable[[], Response]:
    if headers["Content-Type"] == "application/json":
        return partial(_json, headers, json.loads(body))
    return lambda: Response(body, headers=headers)


def _json(headers: dict[str, str], about: dict[str, str]) -> Response:
    answer = jsonify(about)
    answer.headers.update(headers)
    return answer
