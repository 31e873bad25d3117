"""The access token as this site reads it: whose signature, for whom, until when (RFC 9068, section 4)."""

import time
from dataclasses import dataclass

from app.relying_party import signed
from app.relying_party.issuer import Issuer
from app.relying_party.signed import Kind
from app.relying_party.verdict import Verdict

KIND = Kind("ES256", ("at+jwt", "application/at+jwt"), ("iss", "aud", "sub", "sid", "jti", "opened", "iat", "exp"))


@dataclass(frozen=True, slots=True)
class Bearer:
    """The claims of a good token. *opened*: the position in the issuer's log at which its session began."""

    sub: str
    sid: str
    jti: str
    opened: int
    exp: int

    @property
    def subjects(self) -> tuple[str, str, str]:
        return self.sid, self.sub, self.jti


def read(token: str, issuer: Issuer) -> Bearer | Verdict:
    """Return what *token* says, or why it says nothing here. Raises Unheard where its key cannot be had."""
    claims = signed.read(
        token, issuer, KIND, issuer.audience, verify_times=False
    )  # an expired token gets its own words
    bearer = Bearer(**{name: claims[name] for name in Bearer.__slots__}) if claims else None
    if bearer is None or not _is_typed(bearer):
        return Verdict(401, "This is no token of our issuer for us.", "the token itself")
    if bearer.exp <= time.time():
        return Verdict(401, "It has expired.", "its expiry")
    return bearer


def _is_typed(bearer: Bearer) -> bool:
    return all(type(word) is str for word in bearer.subjects) and type(bearer.opened) is type(bearer.exp) is int
