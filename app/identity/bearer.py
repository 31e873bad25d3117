"""An access token, as a request carries it and as it is refused: alone (RFC 6750; RFC 9470, where a second factor is
demanded), or with a proof of its key (RFC 9449)."""

from flask import Response, jsonify, request

from app import context
from app.config import settings
from app.crypto.jwk import ALGORITHMS
from app.identity import access_token, demand, first_use, proof, session_row
from app.identity.access_token import Claims
from app.identity.dpop import presented
from app.identity.dpop.presented import INVALID, Unproved
from app.identity.session import SITE
from app.store.db import writing

OWN = "signed_out.own"  # in the environment of a request that this site sends to itself
BEARER, DPOP = "Bearer", "DPoP"
_SCHEMES = {scheme.lower(): scheme for scheme in (BEARER, DPOP)}
_DETAILS = {BEARER: 'realm="api"', DPOP: f'realm="api", algs="{" ".join(ALGORITHMS)}"'}
_NO_GOOD = "The token is expired, revoked or malformed."


def check(*, scope: str | None = None) -> Claims | Response:
    """Return what the token of this request stands for, or the answer that refuses it.

    It is taken from the header alone: one in the query or the body would end up in logs and histories. *scope*: what it
    has to cover. Raises StoreUnavailable.
    """
    environ = context.request().environ
    scheme, token = _sent(environ.get("HTTP_AUTHORIZATION", ""))
    if token is None:
        return _refuse(scheme)
    has_body = environ.get("CONTENT_LENGTH", "0") != "0"
    if "access_token" in environ.get("QUERY_STRING", "") or (has_body and "access_token" in request.form):
        return _refuse(scheme, "invalid_request", "The token is sent in more than one way.", status=400)
    claims = access_token.check(token)
    if not isinstance(claims, Claims) or is_refused(claims) or claims.token_type != scheme:
        return _refuse(scheme, "invalid_token", _NO_GOOD)
    refusal = _unproved(claims, token) if scheme == DPOP else None
    return refusal or _insufficient(claims, scheme, scope) or claims


def is_refused(claims: Claims) -> bool:
    """Return whether no API accepts this good token: the profile demands a key and it has none, or its session is bound
    to a device, so only pages accept it, with the device's proof."""
    if context.request().environ.get(OWN):
        return False
    return (settings().is_fapi and claims.jkt is None) or _is_bound_to_device(claims)


def _is_bound_to_device(claims: Claims) -> bool:
    if claims.client_id != SITE or not settings().https:
        return False
    session = session_row.find(claims.sid)
    return session is not None and session.bound_at is not None


def _unproved(claims: Claims, token: str) -> Response | None:
    """Use up the proof that comes with the token (RFC 9449, section 7.1); return the refusal if it is not of their key."""
    try:
        found = presented.check(token)
        if found is None:
            raise Unproved(INVALID, "The proof is missing.")
        if found.jkt != claims.jkt:
            raise Unproved(INVALID, "The proof is by another key.")
        with writing(durable=False):  # only a power cut forgets it, and the proof is old before the site is back
            found.spend()
    except Unproved as problem:
        return _refuse(DPOP, problem.error, problem.description)
    return None


def _insufficient(claims: Claims, scheme: str, scope: str | None) -> Response | None:
    """Return the answer to a good token that is not enough, or whose link turns out to be void."""
    if demand.refuses(claims.sub, claims.amr):
        said = "insufficient_user_authentication", "A second factor is demanded."
        return _refuse(scheme, *said, acr_values=proof.TWO_FACTORS)
    if scope and scope not in claims.scope.split():
        return _refuse(scheme, "insufficient_scope", "The token does not cover this.", status=403, scope=scope)
    return None if first_use.record(claims) else _refuse(scheme, "invalid_token", _NO_GOOD)


def _sent(header: str) -> tuple[str, str | None]:
    """Return the scheme and the token; without a token, the usual scheme."""
    word, _, token = header.partition(" ")
    scheme = _SCHEMES.get(word.lower())
    return (scheme, token.strip() or None) if scheme else (BEARER, None)


def _refuse(
    scheme: str, error: str | None = None, description: str = "", *, status: int = 401, **more: str
) -> Response:
    """Answer with a challenge (RFC 6750, section 3): no error code where no token was sent. *more*: its other attributes.

    A token is asked for in each scheme that there is (RFC 9449, section 7.2).
    """
    offered = [DPOP] if settings().is_fapi else [BEARER, DPOP]
    used = scheme if scheme in offered else DPOP
    answer = jsonify({"error": error} if error else {})
    answer.status_code = status
    detail = f', error="{error}", error_description="{description}"' if error else ""
    detail += "".join(f', {name}="{value}"' for name, value in more.items())
    answer.headers["WWW-Authenticate"] = f"{used} {_DETAILS[used]}{detail}"
    for other in offered if status == 401 else ():
        if other != used:
            answer.headers.add("WWW-Authenticate", f"{other} {_DETAILS[other]}")
    return answer
