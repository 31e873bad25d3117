"""What each design costs: bytes, look-ups, seconds exposed and people wrongly refused, on a simulated day."""

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

bp = Blueprint("costs", __name__, url_prefix="/costs")


@bp.get("")
def show() -> ResponseReturnValue:
    return render_template("lab/costs.html")
