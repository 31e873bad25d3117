"""Times, durations and codes in plain words. Pure: the caller passes the time."""

import re
from calendar import month_name
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache, partial
from typing import Any, NamedTuple

from app.config import DAY
from app.identity.lifetime import State
from app.identity.place import PARTS
from app.identity.session import Reason

MINUTE, HOUR = 60, 60 * 60
_MONTHS = tuple(month_name)
_MOMENTS = 4096  # kept in words: a page says each of its moments several times

# Each unit: from how many seconds on it is used, its length, its name. So 59 minutes 40 are an hour, and 36 hours not yet days.
_UNITS = (
    (2 * DAY - HOUR // 2, DAY, "day"),
    (HOUR - MINUTE // 2, HOUR, "hour"),
    (MINUTE, MINUTE, "minute"),
    (0, 1, "second"),
)
_YOU = re.compile(r"\b([Yy])ou(r)?\b")
UNPROVED = "unproved"  # not why a session is over, but why this browser may not use it now


class _End(NamedTuple):
    """Why a session is over, in the words of lists, and of its browser's sign-in page if they differ. *advice*: what
    that page tells the user to do. It holds for every session that ended so: what the page must not say before a
    sign-in stands on the page that it names.
    """

    why: str
    advice: str | None = None
    why_here: str | None = None


_ENDS: Mapping[str, _End] = {
    Reason.SIGNED_OUT: _End(
        "signed out there",
        "Sign in, and your devices page says when.",
        "Sign Out was pressed, or another account was used",
    ),
    Reason.ENDED_ELSEWHERE: _End(
        "ended from another of your browsers", "Sign in, and your devices page says from where."
    ),
    Reason.ENDED_OTHERS: _End(
        "ended with all the others, from another of your browsers", "Sign in, and your devices page says from where."
    ),
    Reason.ENDED_EVERYWHERE: _End("you signed out everywhere", "Sign in, and your activity page says from where."),
    Reason.PASSWORD_CHANGED: _End(
        "ended when your password was changed",
        "Sign in with the new password, and your activity page says how it was changed.",
    ),
    Reason.FACTOR_CHANGED: _End(
        "ended when your second factor or a passkey was changed",
        "Sign in, and your activity page says how it was changed.",
    ),
    Reason.RECOVERED: _End(
        "ended when a new password was chosen by mail",
        "Sign in with the new password, and your activity page says from where.",
    ),
    Reason.ADDRESS_LOST: _End(
        "another person proved that the address of this account is theirs",
        "Sign in as before, and give this account another address.",
    ),
    Reason.NOT_ME: _End("ended by “This wasn’t me”", "Choose a new password, then sign in."),
    Reason.REPLACED: _End("replaced by a newer session", "Sign in, and your activity page says what came after it."),
    Reason.TOO_MANY: _End(
        "you signed in on more browsers than are kept, and this one was idle longest",
        "Sign in, and your activity page lists the sign-in that took its place.",
    ),
    Reason.REUSE: _End(
        "an old refresh token was used again: perhaps a copy was stolen", "Sign in, and look at what happened lately."
    ),
    Reason.NEW_PLACE: _End(
        "it was used from a new place, which asks for a new sign-in", "Sign in, and your activity page says from where."
    ),
    Reason.INTERRUPTED: _End("its renewal was interrupted", "Sign in, and your devices page says when."),
    Reason.REVOKED: _End("revoked by its app"),
    Reason.BROWSER_ENDED: _End("ended with the browser that it was connected from"),
    Reason.CODE_REUSED: _End("the code it was connected with came back a second time: perhaps it was stolen"),
    Reason.APP_REMOVED: _End("the app was removed from this site"),
    Reason.BY_ADMIN: _End("ended by an administrator", "Sign in, and your devices page says when."),
    Reason.DISABLED: _End("the account was closed", "You can sign in once an administrator has opened it again."),
    Reason.DELETED: _End("the account was deleted"),
    UNPROVED: _End(
        "this browser did not prove that it is the device that signed in",
        "If it is your device, sign in again. A copy of its cookies gets no further than this page.",
    ),
    State.IDLE: _End("not used for too long"),
    State.EXPIRED: _End("reached its longest life"),
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
    "data_exported": "A copy of your data was downloaded",
    "session_renamed": "This session was given another name",
    "refresh_reused": "An old refresh token was used again, so this session was ended: perhaps a copy was stolen",
    "session_bound": "This session was bound to its device: a copy of its cookies is worth nothing elsewhere",
    "proof_failed": "Another device had this session’s tokens and could not prove the key of yours: perhaps they were copied",
    "refresh_interrupted": "A renewal was interrupted, so this session was ended",
    "recognized": "You confirmed a use from a new place",
    "app_allowed": "An app was allowed to know who you are",
    "app_connected": "An app was connected",
    "app_ended": "The access of an app was ended",
    "app_disallowed": "The permission of an app was withdrawn",
    "apps_disallowed": "The permissions of all apps were withdrawn",
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

# How a user proved their identity.
_PROOFS = {"pwd": "a password", "otp": "a code", "rec": "a recovery code", "pop": "a passkey"}
# What a token says, in its header and its claims. {}: the value, in words.
_CLAIMS = {
    "alg": "how it is signed",
    "typ": "what it is: an access token",
    "kid": "which key to check it with",
    "iss": "issued by this site",
    "aud": "meant for this site's own API",
    "sub": "about you, by an id that says nothing else",
    "client_id": "given to this site's own pages",
    "scope": "for this session only",
    "sid": "session {}: what Sign Out ends",
    "jti": "the id of this one token",
    "link": "which renewal it came with",
    "auth_time": "you proved who you are {}",
    "amr": "you proved it by {}",
    "acr": "how many factors you used",
    "opened": "your session is entry {} of the revocation log",
    "iat": "issued {}",
    "status": "where a verifier that cannot ask us finds out whether it is over",
    "exp": "expires {}",
}
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


@lru_cache(_MOMENTS)
def rfc3339(at: int) -> str:
    """Write the moment *at* for machines."""
    return f"{_utc(at).isoformat()[:19]}Z"


@lru_cache(_MOMENTS)
def day(at: int) -> str:
    """Write the moment *at* for people, where an exact one is needed."""
    moment = _utc(at)
    return f"{moment.day} {_MONTHS[moment.month]} {moment.year}, {moment.hour:02}:{moment.minute:02} UTC"


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
    return _end(code).why


def reason_here(code: str | None) -> str:
    """Return why the session of this very browser ended."""
    return _end(code).why_here or reason(code)


def advice(code: str | None) -> str | None:
    """Return the advice to a browser whose session ended for this reason, if there is more than to sign in."""
    return _end(code).advice


def event(code: str) -> str:
    """Return what happened, as a line of the activity page."""
    return _EVENTS.get(code) or _used(code) or _plain(code).capitalize()


def proof(amr: str | Sequence[str] | None) -> str | None:
    """Return how a user proved their identity, as "a password and a code", if known."""
    given = amr.split() if isinstance(amr, str) else amr or ()
    known = [_PROOFS[word] for word in given if word in _PROOFS]
    return listing(known) if known else None


def claims(said: Mapping[str, Any], now: int, **meanings: str) -> list[tuple[str, Any, str]]:
    """Return the name, the value and the meaning of each claim. *meanings*: those that are not the site's usual ones."""
    in_words: dict[str, Callable[[Any], str | None]] = {
        "sid": shorten,
        "amr": proof,
        "auth_time": partial(ago, now=now),
        "iat": partial(ago, now=now),
        "exp": partial(until, now=now),
    }
    known = _CLAIMS | meanings
    return [(name, value, known.get(name, "").format(in_words.get(name, str)(value))) for name, value in said.items()]


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
    """Return the names as one list, with commas and "and"."""
    *most, last = items
    return f"{', '.join(most)} and {last}" if most else last


def theirs(text: str) -> str:
    """Turn what is written to a person into words about that person."""
    return _YOU.sub(lambda found: ("th" if found[1] == "y" else "Th") + ("eir" if found[2] else "ey"), text)


def _end(code: str | None) -> _End:
    return _ENDS.get(code or "", _End(_plain(code)))


def _used(code: str) -> str | None:
    verb, _, parts = code.partition("_")
    return f"Used from {new_place(parts)}{_NEW_PLACES[verb]}" if is_new_place(code) else None


def _plain(code: str | None) -> str:
    return (code or "").replace("_", " ")


def _utc(at: int) -> datetime:
    return datetime.fromtimestamp(at, UTC)
