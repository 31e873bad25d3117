"""Notices: events that an owner should hear of by mail too. The site's activity page shows the same, without the link.

They go to a verified address only: another may be a stranger's.
"""

from collections.abc import Mapping

from app import clock
from app.config import settings
from app.identity import letters
from app.identity.browsers import Browser
from app.identity.session import Standing
from app.identity.users import User
from app.mail import links, outbox
from app.mail.links import Purpose
from app.store.db import db

SITE, MAIL = "site", "mail"  # where a notice stands: on the site alone, or in a mail too
_ONE, _ALL = True, False  # what "This wasn't me" ends: the one session, or all of them

NOTICES: Mapping[str, tuple[str, bool]] = {
    "signed_in": ("Your account was signed in to from a new browser or place", _ONE),
    "refresh_reused": ("An old token of your session came back, so the session was ended", _ALL),
    "proof_failed": ("Another device had the tokens of your session, and failed to pass for yours", _ONE),
    "code_reused": ("The code of an app came back a second time, so what it gave was ended", _ALL),
    "warned": ("Your session was used from a new place", _ONE),
    "refused": ("Your session was used from a new place, so it was ended", _ALL),
    "password_changed": ("Your password was changed", _ALL),
    "password_set": ("An administrator set a new password for you", _ALL),
    "address_changed": ("The address of your account was changed", _ALL),
    "recovered": ("Your password was replaced by way of a mail", _ALL),
    "factor_added": ("A second factor was added to your account", _ALL),
    "factor_removed": ("The second factor of your account was removed", _ALL),
    "factor_failed": ("A wrong code was given where all else was right", _ALL),
    "codes_made": ("New recovery codes were made for your account", _ALL),
    "code_used": ("A recovery code of your account was used", _ALL),
    "passkey_added": ("A passkey was added to your account", _ALL),
    "passkey_behind": ("A passkey of your account may have been copied, and was refused", _ALL),
    "passkey_removed": ("A passkey of your account was removed", _ALL),
}

_ALSO = {  # what "This wasn't me" does as well
    "factor_added": " and, within a day, removes that second factor",
    "passkey_added": " and removes that passkey",
}


def is_due(event: str) -> bool:
    """Return whether an event of this name is always told. A sign-in is told only where `known` says that it is new."""
    return event != "signed_in" and _kind(event) in NOTICES


def tell(event: str, user_id: str, session: Standing | None, browser: Browser | None) -> str:
    """Notify the owner of the event; return where the notice stands. Must run inside `db.writing`."""
    user = db.session.get(User, user_id)
    if user is None or user.verified_at is None or user.disabled_at is not None:
        return SITE
    happened, is_one = NOTICES[_kind(event)]
    sid = session.id if session and is_one else None
    link = links.make(Purpose.NOT_ME, user.id, user.email, about=event, session_id=sid)
    does = ("ends that session" if sid else "ends all your sessions") + _ALSO.get(event, "")
    site, where = settings().site_url, _where(browser)
    letter = letters.notice(user.name, site, happened=happened, where=where, at=clock.now(), does=does, link=link)
    outbox.post(letter, user.email, user.id)
    return MAIL


def _kind(event: str) -> str:
    verb = event.partition("_")[0]
    return verb if verb in ("warned", "refused") else event


def _where(browser: Browser | None) -> str:
    return f", by {browser.label}, address {browser.address}" if browser else ""
