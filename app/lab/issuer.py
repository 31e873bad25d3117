"""The issuer of a run: signs in, refreshes, and ends, with real tokens and real entries in the log."""

import secrets
from dataclasses import replace
from functools import partial

from app import clock
from app.config import settings
from app.db import after_commit
from app.identity import place
from app.identity.place import IGNORE, PARTS, SIGN_IN, Judgement, Place
from app.keys import access_keys
from app.lab import log, redis_list
from app.lab.bearer import audience, digest
from app.lab.designs import Fault
from app.lab.run import ACCESS_SECONDS, SESSION_SECONDS, Link, Pocket, Run, Signed, Way
from app.revocation import log as site_log
from app.revocation.entries import Scope

TYPE = "at+jwt"
GRACE_SECONDS = 10
MOST_LINKS = 40  # of a chain: what is older is not known any more
PREFIX = "lab:"  # of whatever belongs to the lab in the log. No id of the site can begin so: theirs have no colon


class Unwritten(Exception):
    """The store is switched off, so nothing was ended."""


def now(run: Run) -> int:
    """Return the time on the run's own clock."""
    return clock.now() + run.offset


def sign_in(bench: str) -> Run:
    """Begin a run: one person, signed in on a laptop and a phone. Must run inside `db.writing`."""
    at, user = clock.now(), f"{PREFIX}{secrets.token_urlsafe(12)}"
    entries: list[tuple[int, int, bool]] = []
    laptop, held = _open(bench, user, at, entries)
    phone, other = _open(bench, user, at, entries)
    return Run(
        user=user,
        offset=0,
        began_at=at,
        laptop=laptop,
        phone=phone,
        held=held,
        phone_access=other.access,
        entries=entries,
    )


def sign_in_again(run: Run, bench: str) -> Pocket:
    """Open a new session of the same person on the laptop. Must run inside `db.writing`."""
    run.laptop, run.held = _open(bench, run.user, now(run), run.entries)
    return run.held


def let_in(run: Run, bench: str, *, lasts: bool) -> Pocket:
    """Open the session of an app that the laptop lets in, for as long as that one or for longer. Must run inside
    `db.writing`."""
    app, pocket = _open(bench, run.user, now(run), run.entries)
    run.apps.append(replace(app, lasts=lasts))
    return pocket


def refresh(run: Run, bench: str, token: str) -> Pocket | None:
    """Exchange the laptop's refresh token for a pocket without cookie, or None if it is not good. An old one ends the session: perhaps it
    was copied. Must run inside `db.writing`. Raises Unwritten."""
    at, session = now(run), run.laptop
    if run.is_down(Fault.STORE, at):
        raise Unwritten
    if is_over(run, session, at):
        return None
    link = session.chain[-1]
    if link.hash != digest(token):
        end(run, Way.SIGN_OUT, reason="reuse")
        return None
    link.used_at = at
    return _issue(bench, run.user, session, at)


def settle(run: Run, *, here: Place, reaction: str) -> None:
    """Have the laptop's session be used from *here* alone so far, and set what a new place leads to."""
    run.known, run.policy = place.learn({}, here), reaction


def meet(run: Run, here: Place) -> Judgement:
    """Judge a use of the laptop's session as the site does, by the run's policy; end it if that refuses the place.

    Must run inside `db.writing`. Raises Unwritten.
    """
    if is_over(run, run.laptop, now(run)):
        return Judgement(IGNORE, ())
    judgement = place.judge(run.known, here, dict.fromkeys(PARTS, run.policy))
    run.known = place.learn(run.known, here)
    if judgement.reaction == SIGN_IN:
        end(run, Way.SIGN_OUT, reason="new_place")
    return judgement


def knows(run: Run, token: str) -> bool:
    """Say whether *token* is, or was, a refresh token of the laptop."""
    return any(link.hash == digest(token) for link in run.laptop.chain)


def is_spent(run: Run, token: str) -> bool:
    """Say whether a refresh token was exchanged before, so that using it once more ends the session."""
    return digest(token) != run.laptop.chain[-1].hash


def end(run: Run, way: Way, *, reason: str | None = None) -> None:
    """End as a server does: by one entry in the log. Must run inside `db.writing`. Raises Unwritten."""
    at = now(run)
    if run.is_down(Fault.STORE, at):
        raise Unwritten
    until = max(session.access_until for session in run.signed)
    why = reason or _REASONS[way]
    if way in (Way.ALL, Way.DISABLED):
        ended = [site_log.revoke(Scope.USER, run.user, until=until, reason=why)]
    else:
        hanging = [app for app in run.apps if not app.lasts]
        reasons = [*((app, "browser_ended") for app in hanging), (run.laptop, why)]
        ended = [
            site_log.revoke(Scope.SESSION, session.sid, opened=session.opened, until=until, reason=reason)
            for session, reason in reasons
        ]
    pushed = not run.is_down(Fault.PUSH, at)
    run.entries += [(entry.position, at, pushed) for entry in ended]
    for entry in ended:
        log.append(entry.subject, until=until, pushed=pushed)
        after_commit(partial(redis_list.add, entry.subject, entry.position, seconds=until - at))


def is_over(run: Run, session: Signed, at: int) -> bool:
    """Say whether a session of the run is over at this moment, from the log itself."""
    return at >= session.expires_at or site_log.covers((session.sid, run.user), session.opened)


def _open(bench: str, user: str, at: int, entries: list[tuple[int, int, bool]]) -> tuple[Signed, Pocket]:
    sid, cookie = f"{PREFIX}{secrets.token_urlsafe(12)}", _secret("session", bench)
    opened = site_log.open_session(sid, until=at + SESSION_SECONDS).position
    entries.append((opened, at, True))
    session = Signed(sid, opened, at, at + SESSION_SECONDS, digest(cookie), told=log.opened())
    return session, replace(_issue(bench, user, session, at), cookie=cookie)


def _issue(bench: str, user: str, session: Signed, at: int) -> Pocket:
    until = min(at + ACCESS_SECONDS, session.expires_at)
    refresh, opaque = _secret("refresh", bench), _secret("opaque", bench)
    session.chain.append(Link(digest(refresh), digest(opaque), at, until))
    del session.chain[:-MOST_LINKS]
    claims = {
        "iss": settings().site_url,
        "aud": audience(),
        "sub": user,
        "sid": session.sid,
        "jti": secrets.token_urlsafe(12),
        "opened": session.told,
        "iat": at,
        "exp": until,
        "bench": bench,
    }
    return Pocket(access_keys().signing(clock.now()).sign(claims, TYPE), opaque, refresh, "")


def _secret(kind: str, bench: str) -> str:
    """Return a random token that says whose bench it is from, so that it can be found, and nothing else."""
    return f"{kind}.{bench}.{secrets.token_urlsafe(24)}"


_REASONS = {
    Way.SIGN_OUT: "signed_out",
    Way.ELSEWHERE: "ended_elsewhere",
    Way.ALL: "ended_everywhere",
    Way.PASSWORD: "password_changed",
    Way.DISABLED: "revoked",
}
