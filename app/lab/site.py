"""The pages of the lab as one."""

from flask import Blueprint, Flask

from app.lab import costs, experiment, matrix, path, resource, revoke
from app.web import cross_origin

_PAGES = (experiment, matrix, costs, path, resource, revoke)


def init_app(app: Flask) -> None:
    """Add the lab to *app*."""
    lab = Blueprint("lab", __name__, url_prefix="/lab")
    lab.before_request(cross_origin.check)
    for page in _PAGES:
        lab.register_blueprint(page.bp)
    app.register_blueprint(lab)
