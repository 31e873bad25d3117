"""The blueprint of the lab, which holds all its pages."""

from typing import Any

from flask import Blueprint, Flask, request

from app.capacity import admission
from app.config import settings
from app.lab import experiment, matrix, path, resource, revoked, visitors
from app.lab.costs import page as costs
from app.lab.rooms import page as rooms
from app.lab.rooms import room
from app.web import cookie_probe, cross_origin

_PAGES = (experiment, matrix, costs, path, rooms, resource, revoked)


def init_app(app: Flask) -> None:
    """Add the lab to *app*."""
    lab = Blueprint("lab", __name__, url_prefix="/lab")
    lab.before_request(cross_origin.check)
    lab.before_request(cookie_probe.ask)
    lab.before_request(_wait)
    lab.after_request(cookie_probe.settle)
    lab.after_request(visitors.hand_over)
    lab.context_processor(_context)
    for page in _PAGES:
        lab.register_blueprint(page.bp)
    app.register_blueprint(lab)


def _wait() -> None:
    """Wait in the lab's queue before anything is read or played. Relying parties do not wait."""
    if request.blueprint != f"lab.{revoked.bp.name}":
        admission.hold("acts", visitors.current() if request.method == "POST" else "")


def _context() -> dict[str, Any]:
    # Looked up only by a page that says it: a page about an error must not need the database.
    return {"workshop": settings().workshop, "here": visitors.here, "room_of": room.of, "press": visitors.press}
