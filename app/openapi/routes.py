"""`GET /openapi.json`: every endpoint for machines, what it takes and what it answers."""

from flask import Flask, Response, jsonify

from app.config import settings
from app.machines import Machines
from app.openapi import oauth, operation, published
from app.openapi.parts import Part, refusal

bp = Machines("openapi", __name__)
PATHS = {**oauth.PATHS, **published.PATHS, **operation.PATHS}


def init_app(app: Flask) -> None:
    """Publish the description."""
    app.register_blueprint(bp)


@bp.get("/openapi.json")
def read() -> Response:
    answer = jsonify(describe())
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer


def describe() -> Part:
    """Return the document (OpenAPI 3.1). Pages for people, authorize and end-session among them, are not in it."""
    return {
        "openapi": "3.1.0",
        "info": {"title": "Signed Out", "version": "1", "summary": "A site where Sign Out means signed out"},
        "servers": [{"url": settings().site_url}],
        "paths": PATHS,
        "components": {
            "responses": {"Unavailable": refusal("The database does not answer. Nothing was done.")},
            "securitySchemes": {
                "secret": {"type": "http", "scheme": "basic", "description": "A client's id and secret."},
                "token": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
                "bound_token": {"type": "http", "scheme": "DPoP", "description": "With a proof, for a bound token."},
            },
        },
    }
