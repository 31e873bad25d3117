"""UserInfo: the claims that an app may have (OpenID Connect Core, section 5.3)."""

from typing import Any

from app.identity.access_token import Claims
from app.identity.users import User
from app.store.db import db

CLAIMS = {"openid": ("sub",), "profile": ("name",), "email": ("email", "email_verified")}


def describe(claims: Claims) -> dict[str, Any]:
    """Return the user's claims that the token's scopes cover. An address is verified once its owner has used a link
    sent there."""
    user = db.session.get_one(User, claims.sub)
    known: dict[str, Any] = {"sub": user.id, "name": user.name}
    if user.lost is None:  # else another account has it, and this one has none
        known |= {"email": user.email, "email_verified": user.verified_at is not None}
    said = (name for scope in claims.scope.split() for name in CLAIMS.get(scope, ()))
    return {name: known[name] for name in said if name in known}
