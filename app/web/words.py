"""Times, durations and codes in plain words. Pure: the caller passes the time."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime

from app.config import DAY
from app.identity.place import PARTS

MINUTE, HOUR = 60, 60 * 60

# From where on a unit is used, its length, its name: so that 59 minutes 40 are an hour, and 36 hours not yet days.
_UNITS = (
    (2 * DAY - HOUR // 2, DAY, "day"),
    (HOUR - MINUTE // 2, HOUR, "hour"),
    (MINUTE, MINUTE, "minute"),
    (0, 1, "second"),
)
_YOU = re.compile(r"\b([Yy])ou(r)?\b")
_REASONS = {
    "signed_out": "signed out there",
    "ended_elsewhere": "ended from another of your browsers",
    "ended_others": "ended with all the others, from another of your browsers",
    "ended_everywhere": "you signed out everywhere",
    "password_changed": "ended when your password was changed",
    "factor_changed": "ended when your second factor or a passkey was changed",
    "recovered": "ended when a new password was chosen by mail",
    "address_lost": "another person proved that the address of this account is theirs",
    "not_me": "ended by “This wasn’t me”",
    "replaced": "replaced by a newer session",
    "too_many": "you signed in on more browsers than are kept, and this one was idle longest",
    "reuse": "an old refresh token was used again: perhaps a copy was stolen",
    "new_place": "it was used from a new place, which asks for a new sign-in",
    "interrupted": "its renewal was interrupted",
    "revoked": "revoked by its app",
    "browser_ended": "ended with the browser that it was connected from",
    "code_reused": "the code it was connected with came back a second time: perhaps it was stolen",
    "app_removed": "the app was removed from this site",
    "by_admin": "ended by an administrator",
    "account_disabled": "the account was closed",
    "account_deleted": "the account was deleted",
    "unproved": "this browser did not prove that it is the device that signed in",
    "idle": "not used for too long",
    "expired": "reached its longest life",
}
# What a browser that was signed out is told to do. Each is true of every session that ended so: what is not said before
# a sign-in stands on the page that is named.
_ADVICE = {
    "signed_out": "Sign in, and your devices page says when.",
    "ended_elsewhere": "Sign in, and your devices page says from where.",
    "ended_others": "Sign in, and your devices page says from where.",
    "ended_everywhere": "Sign in, and your activity page says from where.",
    "password_changed": "Sign in with the new password, and your activity page says how it was changed.",
    "factor_changed": "Sign in, and your activity page says how it was changed.",
    "recovered": "Sign in with the new password, and your activity page says from where.",
    "address_lost": "Sign in as before, and give this account another address.",
    "not_me": "Choose a new password, then sign in.",
    "replaced": "Sign in, and your activity page says what came after it.",
    "too_many": "Sign in, and your activity page lists the sign-in that took its place.",
    "new_place": "Sign in, and your activity page says from where.",
    "interrupted": "Sign in, and your devices page says when.",
    "by_admin": "Sign in, and your devices page says when.",
    "unproved": "If it is your device, sign in again. A copy of its cookies gets no further than this page.",
    "account_disabled": "You can sign in once an administrator has opened it again.",
}
_EVENTS = {
    "signed_up": "Signed up",
    "signed_in": "Signed in",
    "sign_in_failed": "A sign-in failed: the password was wrong",
    "signed_out": "Signed out",
    "session_ended": "This session was ended from another browser",
    "session_evicted": "This session was ended to make room for a new sign-in: it was idle longest",
    "others_ended": "All other sessions were ended",
    "everywhere_ended": "Signed out everywhere",
    "ended_by_admin": "An administrator ended this session",
    "all_ended_by_admin": "An administrator ended all sessions",
    "recovery_sent": "An administrator sent a link to choose a new password to the verified address",
    "account_disabled": "An administrator closed the account and ended all sessions",
    "account_enabled": "An administrator opened the account again",
    "admin_added": "This account was made an administrator’s",
    "admin_removed": "This account is no longer an administrator’s",
    "app_removed": "An app was removed from this site, so its access was ended",
    "password_changed": "The password was changed",
    "password_set": "An administrator set a new password and ended all sessions",
    "recovered": "A new password was chosen by mail, and all sessions were ended",
    "address_asked": "Another address was asked for",
    "address_verified": "The address was verified",
    "address_changed": "The address was changed",
    "address_lost": "Another person proved that the address is theirs, so this account lost it and its sessions",
    "name_changed": "The name was changed",
    "not_me": "“This wasn’t me” was pressed, here or in a mail to you, and what it was about was ended",
    "data_exported": "A copy of all that is kept about you was downloaded",
    "session_renamed": "This session was given another name",
    "refresh_reused": "An old refresh token was used again, so this session was ended: perhaps a copy was stolen",
    "session_bound": "This session was bound to its device: a copy of its cookies is worth nothing elsewhere",
    "proof_failed": "Another device had this session’s tokens and could not prove the key of yours: perhaps they were copied",
    "refresh_interrupted": "A renewal was interrupted, so this session was ended",
    "recognized": "You confirmed a use from a new place",
    "app_allowed": "An app was allowed to know who you are",
    "app_connected": "An app was connected",
    "app_ended": "The access of an app was ended",
    "app_disallowed": "What an app had been allowed was taken back",
    "apps_disallowed": "What all apps had been allowed was taken back",
    "code_reused": "The code of an app came back a second time, so what it had given was ended: perhaps it was stolen",
    "confirmed": "Your identity was confirmed again",
    "confirm_failed": "A wrong password was given to confirm your identity",
    "code_confirm_failed": "A wrong code was given to confirm your identity",
    "factor_failed": "A sign-in stopped at the second factor: the password was right, and the code was wrong",
    "factor_added": "An authenticator app was added: from then on, signing in takes one of its codes",
    "factor_removed": "The authenticator app and the recovery codes were removed: no code is asked for any more",
    "codes_made": "New recovery codes were made, and the old ones no longer work",
    "code_used": "A recovery code was used",
    "passkey_added": "A passkey was added: from then on, it signs in",
    "passkey_removed": "A passkey was removed",
    "passkey_behind": "A passkey was refused: it had counted more signatures before, so there may be a copy of it",
    "passkey_renamed": "A passkey was given another name",
    "passkey_confirm_failed": "A wrong passkey was given to confirm your identity",
}

# How a user proved who they are.
_PROOFS = {"pwd": "a password", "otp": "a code", "rec": "a recovery code", "pop": "a passkey"}
_ALARMING = (
    *("sign_in_failed", "confirm_failed", "code_confirm_failed", "factor_failed"),
    *("refresh_reused", "code_reused", "address_lost", "not_me"),
)
_NEW_PLACES = {"noted": "", "warned": ": you were warned", "refused": ": this session was ended"}


def ago(at: int, now: int) -> str:
    """Return how long ago *at* was."""
    return "just now" if now - at < MINUTE else f"{span(now - at)} ago"


def until(at: int, now: int) -> str:
    """Return how far off *at* is."""
    return "now" if at <= now else f"in {span(at - now)}"


def span(seconds: float) -> str:
    """Return how long *seconds* are, rounded to the unit that a person would use."""
    whole = max(0, round(seconds))
    size, unit = next((size, unit) for least, size, unit in _UNITS if whole >= least)
    count = (whole + size // 2) // size
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def clock(seconds: float) -> str:
    """Write *seconds* as a clock counts down: minutes and seconds, hours where there are any."""
    minutes, rest = divmod(max(0, int(seconds)), MINUTE)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def rfc3339(at: int) -> str:
    """Write the moment *at* for machines."""
    return f"{_utc(at):%Y-%m-%dT%H:%M:%SZ}"


def day(at: int) -> str:
    """Write the moment *at* for people, where an exact one is needed."""
    moment = _utc(at)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"


def ordinal(number: int) -> str:
    """Return the ordinal: 1st, 2nd."""
    special = {1: "st", 2: "nd", 3: "rd"} if number % 100 not in (11, 12, 13) else {}
    return f"{number}{special.get(number % 10, 'th')}"


def capitalize(text: str) -> str:
    """Begin with a capital, and leave the rest as it was written."""
    return text[:1].upper() + text[1:]


def shorten(text: str, keep: int = 6) -> str:
    """Leave out the middle, so that a secret is recognised but never shown: at most half of it stays."""
    keep = min(keep, len(text) // 4)
    return f"{text[:keep]}…{text[len(text) - keep :]}"


def reason(code: str | None) -> str:
    """Return why a session ended."""
    return _REASONS.get(code or "", _plain(code))


def advice(code: str | None) -> str | None:
    """Return what a browser whose session ended for this reason is told to do, if there is more than to sign in."""
    return _ADVICE.get(code or "")


def event(code: str) -> str:
    """Return what happened, as a line of the activity page."""
    return _EVENTS.get(code) or _used(code) or _plain(code).capitalize()


def proof(amr: str | Sequence[str] | None) -> str | None:
    """Return by what a user proved who they are, as "a password and a code", where that is known."""
    given = amr.split() if isinstance(amr, str) else amr or ()
    known = [_PROOFS[word] for word in given if word in _PROOFS]
    return listing(known) if known else None


def new_place(code: str) -> str:
    """Return what was new about the place that an event of this code is about, as "another browser and network"."""
    return f"another {listing([part for part in PARTS if part in code.split('_')])}"


def is_new_place(code: str) -> bool:
    """Return whether an event of this code is about a use from a new place."""
    return code.partition("_")[0] in _NEW_PLACES


def is_alarming(code: str) -> bool:
    """Return whether an event of this code may be the act of another person."""
    return code in _ALARMING or (is_new_place(code) and not code.startswith("noted"))


def listing(items: Sequence[str]) -> str:
    """Name several things in one breath."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


def theirs(text: str) -> str:
    """Turn what is written to a person into words about that person."""
    return _YOU.sub(lambda found: ("th" if found[1] == "y" else "Th") + ("eir" if found[2] else "ey"), text)


def _used(code: str) -> str | None:
    verb, _, parts = code.partition("_")
    return f"Used from {new_place(parts)}{_NEW_PLACES[verb]}" if is_new_place(code) else None


def _plain(code: str | None) -> str:
    return (code or "").replace("_", " ")


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
