"""`GET /openapi.json`: each endpoint for programs, its input and its answers (OpenAPI 3.1).

The document is `templates/openapi.json`. Pages, authorize and end-session among them, are not in it.
"""

import json
from pathlib import Path
from typing import Any

from flask import Response, jsonify

from app.config import settings
from app.machines import Machines

bp = Machines("openapi", __name__)
DOCUMENT: dict[str, Any] = json.loads(Path(__file__).parents[2].joinpath("templates", "openapi.json").read_text())


@bp.get("/openapi.json")
def read() -> Response:
    answer = jsonify({**DOCUMENT, "servers": [{"url": settings().site_url}]})
    answer.headers["Access-Control-Allow-Origin"] = "*"
    return answer
