"""The second factor that the operator demands: a user who has none adds one here, and until then does nothing else."""

from flask import Blueprint, redirect, render_template
from flask.typing import ResponseReturnValue

from app.identity import demand
from app.web import guard, next_page
from app.web.guard import current_user

bp = Blueprint("demanded_factor", __name__)


@bp.get(guard.FACTOR_PAGE)
@guard.without_factor
@guard.login_required
def show() -> ResponseReturnValue:
    """Offer an app and a passkey. A user who has one of them only proves it."""
    visit, wanted = guard.current(), next_page.wanted()
    if not visit.is_confined:
        return redirect(wanted, 303)
    if demand.asks(current_user):
        return redirect(next_page.address("/confirm", wanted), 303)
    return render_template("web/demanded_factor.html", wanted=wanted)
