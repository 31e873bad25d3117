"""The proof that comes with a request, in its header `DPoP`, judged by that request (RFC 9449, section 4.3)."""

from dataclasses import dataclass

from flask import Response, after_this_request, request

from app import clock, context
from app.config import settings
from app.identity import spent
from app.identity.dpop import nonce, proof
from app.identity.dpop.proof import Proof
from app.revocation import delivery

INVALID, WANTS_NONCE = "invalid_dpop_proof", "use_dpop_nonce"


class Unproved(Exception):
    """The request does not prove the key it has to. *error* and *description* are for its answer."""

    def __init__(self, error: str, description: str) -> None:
        super().__init__(description)
        self.error, self.description = error, description


@dataclass(frozen=True)
class Proved:
    """The key that a request has proved, by its thumbprint, with the id of the proof.

    *binds_refresh*: whether the refresh token of the answer needs the key too.
    """

    jkt: str
    jti: str
    until: int
    binds_refresh: bool = False

    def spend(self) -> None:
        """Use the proof up. Must run inside `db.writing`. Raises Unproved if it was used before, on any node."""
        if not spent.spend(spent.name("DPoP", self.jkt, self.jti), until=self.until):
            raise Unproved(INVALID, "The proof was used before (jti).")


def check(access: str | None = None) -> Proved | None:
    """Return the key that this request proves; None if it has no proof. It uses nothing up.

    *access*: the access token that comes with it. The answer brings a nonce for the next proof. Raises Unproved, and ClockApart: a
    wrong clock could take an old proof for a new one.
    """
    header = context.request().environ.get("HTTP_DPOP")
    if header is None:
        return None
    after_this_request(_give_nonce)
    delivery.check_clock()
    found = proof.read(header)  # two headers are one with a comma, which no proof has
    if found is None:
        raise Unproved(INVALID, "The proof is malformed, or not signed by its key.")
    fault = _fault(found, access)
    if fault:
        raise Unproved(INVALID, fault)
    made_at = nonce.made_at(found.nonce or "")
    if made_at is None:
        raise Unproved(WANTS_NONCE, "The proof needs the nonce of this answer.")
    return Proved(found.jkt, found.jti, made_at + nonce.KEPT_SECONDS)


def _fault(found: Proof, access: str | None) -> str | None:
    """Return the error of a proof, if any (section 4.3, checks 8 to 12)."""
    if found.htm != request.method:
        return "The proof is for another method (htm)."
    if not found.is_for(f"{settings().site_url}{request.path}"):  # never by Host, which a client can choose
        return "The proof is for another address (htu)."
    if not found.is_timely(clock.now()):
        return "The proof is of another time (iat)."
    if access is not None and not found.is_with(access):
        return "The proof is for another access token (ath)."
    return None


def _give_nonce(answer: Response) -> Response:
    answer.headers["DPoP-Nonce"] = nonce.new()
    return answer
