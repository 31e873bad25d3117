"""A bearer token, as a request carries it and as it is refused (RFC 6750; RFC 9470, where a second factor is demanded)."""

from flask import Response, jsonify, request

from app.config import settings
from app.identity import access_token, demand, first_use, proof, session_row
from app.identity.access_token import Claims
from app.identity.session import SITE

OWN = "signed_out.own"  # in the environment of a request that this site sends to itself
_NO_GOOD = "The token is expired, revoked or malformed."


def check(*, scope: str | None = None) -> Claims | Response:
    """Return what the token of this request stands for, or the answer that refuses it.

    It is taken from the header alone: one in the query or the body would end up in logs and histories. *scope*: what it
    has to cover. Raises StoreUnavailable.
    """
    environ = request.environ
    token = _sent(environ.get("HTTP_AUTHORIZATION", ""))
    if token is None:
        return _refuse()
    has_body = environ.get("CONTENT_LENGTH", "0") != "0"
    if "access_token" in environ.get("QUERY_STRING", "") or (has_body and "access_token" in request.form):
        return _refuse("invalid_request", "The token is sent in more than one way.", status=400)
    claims = access_token.check(token)
    if not isinstance(claims, Claims) or is_bound(claims):
        return _refuse("invalid_token", _NO_GOOD)
    if demand.refuses(claims.sub, claims.amr):
        return _refuse("insufficient_user_authentication", "A second factor is demanded.", acr_values=proof.TWO_FACTORS)
    if scope and scope not in claims.scope.split():
        return _refuse("insufficient_scope", "The token does not cover this.", status=403, scope=scope)
    return claims if first_use.record(claims) else _refuse("invalid_token", _NO_GOOD)


def is_bound(claims: Claims) -> bool:
    """Return whether the token's session is bound to its device: then only pages take it, with the device's proof."""
    if claims.client_id != SITE or not settings().https or request.environ.get(OWN):
        return False
    session = session_row.find(claims.sid)
    return session is not None and session.bound_at is not None


def _sent(header: str) -> str | None:
    scheme, _, token = header.partition(" ")
    return token.strip() or None if scheme.lower() == "bearer" else None


def _refuse(error: str | None = None, description: str = "", *, status: int = 401, **more: str) -> Response:
    """Answer with a challenge (section 3): no error code where no token was sent. *more*: its other attributes."""
    answer = jsonify({"error": error} if error else {})
    answer.status_code = status
    detail = f', error="{error}", error_description="{description}"' if error else ""
    detail += "".join(f', {name}="{value}"' for name, value in more.items())
    answer.headers["WWW-Authenticate"] = f'Bearer realm="api"{detail}'
    return answer
