"""The access token: a short-lived JWT in the RFC 9068 profile, signed with ES256."""

import hashlib
import secrets
import threading
from enum import StrEnum
from types import NoneType
from typing import Any, NamedTuple, get_args, get_type_hints

from flask import Flask

from app import clock, context
from app.config import settings
from app.crypto.keys import access_keys
from app.identity import proof as proofs
from app.identity import signed, status_list
from app.identity.proof import Proof
from app.identity.session import Reason, Standing
from app.revocation import delivery, log
from app.revocation.entries import Scope
from app.store.db import after_commit
from app.telemetry import metrics, security_log

TYPE = "at+jwt"
CACHED = 4096


class Claims(NamedTuple):
    """The claims of an access token. *opened* is the log position at which its session opened.

    *auth_time* and *amr*: when and how its holder proved their identity; a token without the time proves nothing, but
    is good otherwise. *link*: the link of the session's chain that it was issued for. Tokens of older versions lack
    these. *jkt*: the thumbprint of the key it is bound to, if any (RFC 9449, section 6).
    """

    iss: str
    aud: str
    sub: str
    client_id: str
    scope: str
    sid: str
    jti: str
    opened: int
    iat: int
    exp: int
    auth_time: int | None = None
    link: str | None = None
    amr: tuple[str, ...] | None = None
    jkt: str | None = None

    @property
    def token_type(self) -> str:
        """How it is used (RFC 6749, section 7.1)."""
        return "DPoP" if self.jkt else "Bearer"


_KINDS = {name: get_args(kind) or (kind,) for name, kind in get_type_hints(Claims).items()} | {"amr": (tuple, NoneType)}
_REQUIRED = [name for name in Claims._fields if name not in Claims._field_defaults]


class Refusal(StrEnum):
    """Why a token is not accepted."""

    INVALID = "invalid"
    EXPIRED = "expired"
    OVER = "over"


def init_app(app: Flask) -> None:
    """Give *app* its cache of verified tokens."""
    app.extensions["verified_tokens"] = VerifiedTokens()


def issue(
    session: Standing, scope: str | None, *, proof: Proof, link: str | None, ends_at: int | None, jkt: str | None = None
) -> tuple[str, Claims]:
    """Sign an access token of *session*, of its full scope or a part, that outlives none of its time-outs.

    *ends_at*: when its chain is over, if that ends by itself. *jkt*: the key that it is bound to.

    Must run inside `db.writing`, with the session's row locked: the caller moves its `access_until`. Raises ClockApart.
    """
    delivery.check_clock()
    now = clock.now()
    claims = Claims(
        iss=settings().site_url,
        aud=settings().site_url,
        sub=session.user_id,
        client_id=session.client_id,
        scope=scope or session.scope,
        sid=session.id,
        jti=secrets.token_urlsafe(16),
        opened=session.opened,
        iat=now,
        exp=min(now + settings().access_token_seconds, session.ends_at, ends_at or session.ends_at),
        auth_time=proof.at,
        link=link,
        amr=proofs.published(_how(session, proof)),
        jkt=jkt,
    )
    said = {name: value for name, value in claims._asdict().items() if value is not None and name != "jkt"}
    content = said | {"status": status_list.claim(session.opened)} | acr(claims) | cnf(claims)
    return access_keys().signing(now).sign(content, TYPE), claims


def cnf(claims: Claims) -> dict[str, dict[str, str]]:
    """Return the claim that names the key, if it is bound to one (RFC 7800)."""
    return {"cnf": {"jkt": claims.jkt}} if claims.jkt else {}


def acr(claims: Claims) -> dict[str, str]:
    """Return the claim that tells how strong the proof was, if known."""
    level = proofs.level(claims.amr)
    return {"acr": level} if level else {}


def _how(session: Standing, proof: Proof) -> str | None:
    """Return how the holder proved it. Older code did not note that, and knew only passwords."""
    return proof.how or (proofs.PASSWORD if session.amr is None else None)


def check(token: str) -> Claims | Refusal:
    """Decide on a presented token: well made and signed by us, not expired, and not over.

    Raises StoreUnavailable when the log cannot be read: it never accepts a token it could not check.
    """
    return judge(read(token))


def judge(claims: Claims | None) -> Claims | Refusal:
    """Decide on what `read` gave, as `check` does."""
    found = _judge(claims)
    if isinstance(found, Refusal):
        metrics.count_refusal(found.value)
    return found


def _judge(claims: Claims | None) -> Claims | Refusal:
    if claims is None:
        return Refusal.INVALID
    if claims.exp <= clock.now():
        return Refusal.EXPIRED
    return claims if delivery.allows(claims) else Refusal.OVER


def read(token: str) -> Claims | None:
    """Return the claims of our token, even if it has expired or was revoked; None if it is not ours (RFC 9068, section 4)."""
    verified: VerifiedTokens = context.app().extensions["verified_tokens"]
    ring = access_keys()
    name = verified.name(token, ring.name)
    claims = verified.get(name)
    if claims is None:
        claims = _verify(token)
        if claims is not None and claims.exp > clock.now():
            verified.put(name, claims)
    return claims


def _verify(token: str) -> Claims | None:
    found = signed.read(token, TYPE, access_keys, _REQUIRED, audience=settings().site_url)
    return _typed(found) if found else None


def _typed(found: dict[str, Any]) -> Claims | None:
    typed = found | {"amr": _words(found.get("amr")), "jkt": _key(found.get("cnf"))}
    said: dict[str, Any] = {name: typed.get(name) for name in _KINDS}
    whole = all(type(value) in _KINDS[name] for name, value in said.items())  # exactly: true is no number
    return Claims(**said) if whole else None


def _words(said: Any) -> Any:
    """Return a list of words as `Claims` has it, and anything else as it is."""
    return tuple(said) if isinstance(said, list) and all(isinstance(word, str) for word in said) else said


def _key(cnf: Any) -> Any:
    """Return the thumbprint of the key it is bound to; any other binding as it is, which no claim may have."""
    return cnf["jkt"] if isinstance(cnf, dict) and cnf.keys() == {"jkt"} else cnf


def await_end(claims: Claims) -> bool:
    """Return whether the log says that the token is over, alone or with its session; if so, the answer waits until
    every node knows."""
    position = log.covering((claims.jti, claims.sid, claims.sub), claims.opened)
    delivery.settle(position)
    return position is not None


def revoke(claims: Claims, *, reason: Reason) -> None:
    """Append that this one token is over; its session and refresh token go on. Must run inside `db.writing`."""
    if not await_end(claims) and claims.exp > clock.now():
        log.revoke(Scope.TOKEN, claims.jti, opened=claims.opened, until=claims.exp, reason=reason.value)
        about = {"user": claims.sub, "session": claims.sid, "client": claims.client_id}
        after_commit(lambda: security_log.line("token_revoked", **about))


class VerifiedTokens:
    """Remembers checked signatures, so that none is checked twice. Bounded; it never replaces the log.

    The name of an entry contains those of all keys, so that a withdrawn key takes its tokens with it; the caller
    compares the expiry at each use.
    """

    def __init__(self, size: int = CACHED) -> None:
        self._size = size
        self._known: dict[bytes, Claims] = {}
        self._lock = threading.Lock()

    @staticmethod
    def name(token: str, keys: str) -> bytes:
        return hashlib.sha256(f"{keys} {token}".encode()).digest()

    def get(self, name: bytes) -> Claims | None:
        return self._known.get(name)

    def put(self, name: bytes, claims: Claims) -> None:
        """Remember *claims*; if there are too many, the oldest makes room."""
        with self._lock:
            self._known[name] = claims
            if len(self._known) > self._size:
                del self._known[next(iter(self._known))]
