"""The applications that are compared: the site, and what others do."""

import json
import os

import jwt
import redis
from flask import Flask, request
from flask_jwt_extended import JWTManager, create_access_token, get_jwt, jwt_required

from app import create_app


def site() -> Flask:
    """The site itself: the check of a token includes the check of the log."""
    return create_app()


def empty() -> Flask:
    """A view that does nothing."""
    app = Flask(__name__)
    app.add_url_rule("/api/me", view_func=dict)
    return app


def plain() -> Flask:
    """A view that verifies a JWT with PyJWT and asks nobody whether it was revoked."""
    app = Flask(__name__)
    key, url = jwt.PyJWK(json.loads(os.environ["JWK"])).key, os.environ["SITE_URL"]

    def me() -> dict[str, str]:
        token = request.headers["Authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, key, algorithms=["ES256"], audience=url, issuer=url)
        return {name: claims[name] for name in ("sub", "sid", "client_id", "scope")}

    app.add_url_rule("/api/me", view_func=me)
    return app


def extended() -> Flask:
    """Flask-JWT-Extended with its blocklist in Redis, as its documentation shows it."""
    app = Flask(__name__)
    app.config["JWT_SECRET_KEY"] = "x" * 64
    manager, blocklist = JWTManager(app), redis.Redis.from_url(os.environ["BLOCKLIST"])

    @manager.token_in_blocklist_loader
    def is_revoked(_header: dict[str, str], claims: dict[str, str]) -> bool:
        return blocklist.get(claims["jti"]) is not None

    @jwt_required()
    def me() -> dict[str, str]:
        claims = get_jwt()
        return {name: claims[name] for name in ("sub", "sid", "client_id", "scope")}

    app.add_url_rule("/api/me", view_func=me)
    app.add_url_rule("/token", view_func=lambda: create_access_token("ada", additional_claims=_CLAIMS))
    return app


_CLAIMS = {"sid": "a session", "client_id": "signed-out", "scope": "session"}
