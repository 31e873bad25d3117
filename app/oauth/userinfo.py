"""What an app may know of the person who let it in (OpenID Connect Core, section 5.3)."""

from typing import Any

from app.db import db
from app.identity.access_token import Claims
from app.identity.user import User

CLAIMS = {"openid": ("sub",), "profile": ("name",), "email": ("email", "email_verified")}


def describe(claims: Claims) -> dict[str, Any]:
    """Return the claims of the token's scopes about its person. No mail was sent to prove the address, and it says so."""
    user = db.session.get_one(User, claims.sub)
    known = {"sub": user.id, "name": user.name, "email": user.email, "email_verified": False}
    return {name: known[name] for scope in claims.scope.split() for name in CLAIMS.get(scope, ())}
