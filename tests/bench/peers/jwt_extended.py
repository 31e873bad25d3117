"""Flask-JWT-Extended with its blocklist in Redis, as its documentation shows it."""

import os

import redis
from flask import Flask
from flask_jwt_extended import JWTManager, create_access_token, get_jwt, jwt_required

app = Flask(__name__)
app.config["JWT_SECRET_KEY"] = "x" * 64
manager, blocklist = JWTManager(app), redis.Redis.from_url(os.environ["REDIS_URL"])
_CLAIMS = {"sid": "a session", "client_id": "signed-out", "scope": "session"}


@manager.token_in_blocklist_loader
def is_revoked(_header: dict[str, str], claims: dict[str, str]) -> bool:
    return blocklist.get(claims["jti"]) is not None


@app.get("/api/me")
@jwt_required()
def me() -> dict[str, str]:
    claims = get_jwt()
    return {name: claims[name] for name in ("sub", "sid", "client_id", "scope")}


@app.get("/bench/token")
def token() -> dict[str, str]:
    return {"token": create_access_token("ada", additional_claims=_CLAIMS)}
