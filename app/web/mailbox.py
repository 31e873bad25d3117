"""Mail without a mail server: in a workshop, only the browser that made the account shows its mail.

It holds a cookie for this purpose only, which no sign-in gives and no sign-out removes. An attendee who asks for
another's recovery finds nothing here. An administrator's mail is read by the operator, with `flask mail`.
"""

import secrets

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.config import DAY, settings
from app.crypto import seal
from app.identity.users import User
from app.mail import outbox
from app.store.db import db
from app.web import cookies

bp = Blueprint("mailbox", __name__)
SECONDS = 30 * DAY
MOST_ACCOUNTS = 5  # accounts made in one browser


@bp.get("/mail")
def show() -> ResponseReturnValue:
    if not is_here():
        abort(404)
    owners = {user.id: user for user in _owners() if not user.is_admin}
    found = [(mail, content) for mail in outbox.waiting(owners.keys()) if (content := mail.open())]
    return render_template("web/mail.html", mails=found, has_made=bool(owners))


def is_here() -> bool:
    """Return whether this site shows mail at this address, as it sends none."""
    return not settings().smtp_url


def give(user: User) -> str | None:
    """Return the secret by which this browser will read the mail of an account that it makes, if mail is shown here.

    Must run inside `db.writing`.
    """
    if not is_here():
        return None
    secret = secrets.token_urlsafe(32)
    user.made_in = seal.digest(secret)
    return secret


def keep(response: Response, secret: str | None) -> None:
    """Add *secret* to the browser's cookie, beside those of accounts that it made before."""
    if secret:
        cookies.put(response, cookies.MAIL, ".".join([secret, *_held()][:MOST_ACCOUNTS]), seconds=SECONDS)


def _held() -> list[str]:
    held = cookies.read(cookies.MAIL)
    return held.split(".")[:MOST_ACCOUNTS] if held else []


def _owners() -> list[User]:
    hashes = [seal.digest(secret) for secret in _held()]
    return list(db.session.scalars(select(User).where(User.made_in.in_(hashes)))) if hashes else []
