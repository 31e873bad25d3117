"""Sessions bound to their device, by Device Bound Session Credentials (W3C draft), in browsers that have them.

The sign-in's answer offers it. The browser then proves a key that it cannot export, and from then on renews a
cookie of a few minutes with it. A bound session needs that cookie for every use; alone the cookie is worthless.
"""

import hashlib
import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from contextlib import suppress
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from flask import Blueprint, abort, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app import clock
from app.capacity.throttle import Throttle
from app.config import SHORTEST_BOUND, settings
from app.crypto import seal
from app.identity import activity, device, device_proof, refresh_token, sessions
from app.identity.session import SITE, Session
from app.store.db import StoreUnavailable, db, writing
from app.web import cookies, cross_origin, next_page

bp = Blueprint("binding", __name__, url_prefix="/session")
bp.before_request(cross_origin.check)
OFFER_SECONDS = 60  # for the browser to take up the offer, which it does at once
CHALLENGE_SECONDS = 15 * 60
# Paths whose requests wait for no proof: they need none, and Sign Out never asks for one.
_OUT_OF_SCOPE = (
    *("/static", "/favicon.ico", "/session", "/sign-out", "/live", "/api", "/log", "/status-lists", "/openapi.json"),
    *("/healthz", "/readyz", "/metrics", "/.well-known", "/lab/revoked", "/oauth/token", "/oauth/par"),
    *("/oauth/revoke", "/oauth/introspect", "/oauth/userinfo", "/oauth/jwks"),
)
_OFFER, _CHALLENGE, _COOKIE = "an offer to bind", "a challenge to a device", "what a device has proved"
_LONGEST_SEALED = 512  # characters of a sealed value
_LATE = 5  # seconds for which the server still accepts a cookie that the browser dropped: it may be on its way
_REGISTRATION, _PROOF = "Secure-Session-Registration", "Secure-Session-Response"
_CALLED = "Sec-Secure-Session-Id"
_NOTHING = "-"
_told = Throttle("proofs of a device that failed", "1 per 1 hour")


class Sealed(NamedTuple):
    """A value sealed for a session, good until *until* (Unix seconds). *about*: for which act the device was asked, or
    the number of the proof that a challenge asks for."""

    until: int
    about: str


class Bindable(Protocol):
    """The part of a session that decides whether a request may use it."""

    @property
    def id(self) -> str: ...
    @property
    def origin(self) -> str: ...
    @property
    def device_key(self) -> bytes | None: ...
    @property
    def bound_at(self) -> int | None: ...


def offer(response: Response, origin: str) -> None:
    """Offer the browser that has just signed in to bind its session, which began as *origin*: in this answer only."""
    site = settings()
    if site.https and site.bound_seconds and not site.insecure_cookies:
        challenge = _seal(_OFFER, origin, OFFER_SECONDS, _NOTHING)
        response.headers[_REGISTRATION] = f'(ES256);path="{bp.url_prefix}/bind";challenge="{challenge}"'


def admits(session: Bindable) -> bool:
    """Return whether this request may use the session: it is not bound, or the request shows that its device was proved.

    The key is needed once its cookie has come back: a browser that never got the cookie is not locked out.
    """
    if session.device_key is None:
        return True
    is_proved = proved(session) is not None
    if is_proved and session.bound_at is None:
        _take_effect(session.id)
    return is_proved or session.bound_at is None


def asks_again(sid: str, proved_at: int | None) -> bool:
    """Return whether a sensitive act needs a new proof of identity: a thief with all cookies could ask for it too.

    A bound session first asks its device for a proof of this act: that aborts the request, which then comes again. If
    the device was asked a moment ago, or proves nothing, ask the user. *proved_at*: when the holder of the tokens of
    this request proved who they are.
    """
    known = db.session.get(Session, sid)
    if known is None or known.bound_at is None:
        return False
    act = _act()
    with writing():
        session = sessions.lock(sid)
        found = proved(session) if session else None
        proved_for = found.about if found and found.about == act else None
        if session is None or device.spend(session, proved_for=proved_for, proved_at=proved_at):
            return False
        is_asked = device.ask(session, act)
    if is_asked:
        abort(_ask_first())
    return True


@bp.post("/bind")
def bind() -> ResponseReturnValue:
    """Bind the session that the offer was made for, and whose refresh token comes with the proof."""
    found, session = device_proof.register(_text(_PROOF) or ""), _held()
    if found is None or session is None or not _opened(_OFFER, found[1], session):
        return _refuse(session)
    key, sid = found[0], session.id
    with writing():
        locked = sessions.lock(sid)
        if locked is None or not locked.goes_on() or not device.bind(locked, key):
            return _refuse(locked)
        return _give(locked)


@bp.post("/refresh")
def refresh() -> ResponseReturnValue:
    """Renew the cookie for a proof that answers our newest challenge. This does not use the session, and rotates nothing.

    Browsers end the binding at 401, and at 403 without a challenge; where the store is away, they try again (503).
    """
    session, proof = _held(), _text(_PROOF)
    if session is None or session.device_key is None or _text(_CALLED) != session.origin:
        return _refuse(session)
    if proof is None:
        return _challenge(session)
    sid, challenge = session.id, device_proof.answer(proof, session.device_key)
    with writing():
        locked = sessions.lock(sid)
        if locked is None or not locked.goes_on():
            return _refuse(locked)
        if challenge is None:
            return _fail(locked)
        asked = _opened(_CHALLENGE, challenge, locked)
        if asked is None or not device.accept(locked, int(asked.about)):
            return _challenge(locked)
        device.take_effect(locked)
        answer = _give(locked)
        answer.headers["Secure-Session-Challenge"] = _next_challenge(locked)
    return answer


def _held() -> Session | None:
    """Return the session of this browser's refresh token, if it goes on."""
    token = cookies.read(cookies.REFRESH)
    found = refresh_token.find_in_whole_log(token) if token else None
    session = db.session.get(Session, found.session_id) if found and found.session.client_id == SITE else None
    return session if session and session.goes_on() else None


def _give(session: Session) -> Response:
    """Answer a proof with the cookie, which says for which act it was asked."""
    life = settings().bound_seconds or SHORTEST_BOUND
    value = _seal(_COOKIE, session.origin, life, device.asked(session) or _NOTHING)
    host = urlsplit(settings().site_url).hostname
    excluded = [{"type": "exclude", "domain": host, "path": path} for path in _OUT_OF_SCOPE]
    attributes = cookies.attributes().replace(",", ";")
    answer = jsonify(
        session_identifier=session.origin,
        refresh_url=f"{bp.url_prefix}/refresh",
        scope={"include_site": False, "scope_specification": excluded},
        credentials=[{"type": "cookie", "name": cookies.name(cookies.BOUND), "attributes": attributes}],
    )
    # Without Max-Age, no browser would ever renew it.
    cookies.put(answer, cookies.BOUND, value, seconds=max(1, life - min(_LATE, life // 4)))
    return answer


def _challenge(session: Session) -> ResponseReturnValue:
    return "", 403, {"Secure-Session-Challenge": _next_challenge(session)}


def _next_challenge(session: Session) -> str:
    sealed = _seal(_CHALLENGE, session.origin, CHALLENGE_SECONDS, str(session.proofs))
    return f'"{sealed}";id="{session.origin}"'


def _refuse(session: Session | None) -> ResponseReturnValue:
    return {"continue": False, **({"session_identifier": session.origin} if session else {})}, 401


def _fail(session: Session) -> ResponseReturnValue:
    """Note a proof by another key: another device has the session's tokens. Its owner is told once an hour."""
    if _told.count(session.id):
        activity.act("proof_failed", session)
    return _refuse(session)


def proved(session: Bindable) -> Sealed | None:
    """Return the proof of the session's device in this request's cookies, if any."""
    found = (_opened(_COOKIE, cookies.read(cookie) or "", session) for cookie in (cookies.BOUND, cookies.ASIDE))
    return next(filter(None, found), None)


def _take_effect(sid: str) -> None:
    with suppress(StoreUnavailable), writing():
        session = sessions.lock(sid)
        if session:
            device.take_effect(session)


def _act() -> str:
    """Return a hash that names this request's act: its method, address and form."""
    asked = [request.method, next_page.here(), sorted(request.form.items(multi=True))]
    return hashlib.sha256(json.dumps(asked).encode()).hexdigest()


def _ask_first() -> Response:
    """Redirect to the same request without the bound cookie: first the browser has to prove its device.

    The old cookie is put aside and stays good: a browser that proves nothing now is not signed out.
    """
    answer = redirect(next_page.here(), 307)
    had = cookies.read(cookies.BOUND)
    if had:
        cookies.drop(answer, cookies.BOUND)
        cookies.put(answer, cookies.ASIDE, had, seconds=settings().bound_seconds or SHORTEST_BOUND)
    return answer


def _text(header: str) -> str | None:
    """Return a header's value: browsers omit the quotes that the draft demands."""
    value = request.headers.get(header, "").strip().removeprefix('"').removesuffix('"')
    return value or None


def _seal(purpose: str, origin: str, seconds: int, about: str) -> str:
    """Seal *about* for the session that began as *origin*. It is good for *seconds*."""
    content = f"{origin} {clock.now() + seconds} {about}"
    return urlsafe_b64encode(seal.close(settings().secret_key, purpose, content)).decode()


def _opened(purpose: str, sealed: str, session: Bindable) -> Sealed | None:
    """Return the value sealed for this *purpose* and session, if it is still good."""
    try:
        found = seal.reveal(settings().secret_key, purpose, urlsafe_b64decode(sealed[:_LONGEST_SEALED]))
    except ValueError:
        return None
    whose, until, about = found.split(" ") if found else ("", "0", "")
    return Sealed(int(until), about) if whose == session.origin and clock.now() < int(until) else None
