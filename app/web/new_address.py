"""Another address for an account: asked for once it is certain who asks."""

from werkzeug.exceptions import BadRequest
from werkzeug.wrappers import Response

from app.identity import activity, address
from app.identity import email as emails
from app.identity import user as users
from app.identity.session import Session
from app.throttle import Throttle, TooManyMails
from app.web import once

mails = Throttle("mails by account", "10 per 1 hour", TooManyMails)


def describe(typed: str) -> str:
    """Say in words what is asked for. Raises BadRequest if it is no address."""
    return f"Ask for {_read(typed)} as your address"


def ask(current: Session, typed: str) -> Response:
    """Send the links by which the address is confirmed. Must run inside `endings.acting`."""
    mails.check(current.user_id)
    mails.count(current.user_id)
    address.ask_change(users.lock(current.user_id), _read(typed))
    activity.act("address_asked", current)
    return once.result("/account?done=address")


def _read(typed: str) -> str:
    try:
        emails.check(typed)
    except ValueError as problem:
        raise BadRequest from problem
    if len(typed) > emails.LONGEST:
        raise BadRequest
    return typed.strip()
