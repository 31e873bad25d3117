"""What my browser holds: the cookies of its session, and each claim of its access token, explained."""

import jwt
from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app import clock
from app.web import cookies, device_binding, guard, words

bp = Blueprint("holds", __name__)


@bp.get("/holds")
@guard.login_required
def show() -> ResponseReturnValue:
    visit = guard.current()
    token = jwt.decode_complete(visit.access, options={"verify_signature": False})
    return render_template(
        "web/holds.html",
        parts=visit.access.split("."),
        header=words.claims(token["header"], clock.now()),
        claims=words.claims(token["payload"], clock.now()),
        session=visit.session,
        expires_at=visit.claims.exp,
        proved=device_binding.proved(visit.session) if visit.session.bound_at is not None else None,
        named=cookies.name,
        attributes=cookies.attributes(),
    )
