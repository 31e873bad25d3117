"""The logout token: the issuer says that a session of this site, or everything of a person, is over."""

from dataclasses import dataclass

from app.relying_party import signed
from app.relying_party.issuer import Issuer
from app.relying_party.signed import Kind

KIND = Kind("RS256", ("logout+jwt",), ("iss", "aud", "iat", "exp", "jti", "events"), leeway=5)
EVENT = "http://schemas.openid.net/event/backchannel-logout"


@dataclass(frozen=True)
class Logout:
    """Of the session *sid*; without one, of all sessions of *sub* that began at *iat* or before."""

    jti: str
    sub: str | None
    sid: str | None
    iat: int
    exp: int


def read(token: str, issuer: Issuer, client_id: str) -> Logout | None:
    """Return what is over, or None if this is no good logout token (Back-Channel Logout, section 2.6). Raises Unheard."""
    found = signed.read(token, issuer, KIND, client_id)
    if found is None or "nonce" in found or not _has_event(found["events"]):
        return None
    sub, sid = found.get("sub"), found.get("sid")
    if (sub is None and sid is None) or not all(isinstance(name, str) for name in (found["jti"], sub or "", sid or "")):
        return None
    return Logout(found["jti"], sub, sid, int(found["iat"]), int(found["exp"]))


def _has_event(events: object) -> bool:
    return isinstance(events, dict) and isinstance(events.get(EVENT), dict)
