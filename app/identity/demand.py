"""The second factor that the operator demands (`SECOND_FACTOR`): of which accounts, and what a session without one may
not do.

A factor is an authenticator app, or a passkey that verifies its user. A session counts as having one only if its own tokens
carry the proof: the account may have added it elsewhere.
"""

from collections.abc import Collection

from app.config import ADMINISTRATORS, EVERYONE, OPTIONAL, settings
from app.identity import passkey, proof
from app.identity.passkey import Passkey
from app.identity.users import Account, User
from app.store.db import db

Words = Collection[str] | None


def is_made_of(user: Account) -> bool:
    """Return whether *user* must have a second factor."""
    wanted = settings().second_factor
    return wanted == EVERYONE or (wanted == ADMINISTRATORS and user.is_admin)


def is_last_met_by(user: Account, key: Passkey | None = None) -> bool:
    """Return whether *user* would lack a demanded factor without *key*, or, without one, without the authenticator app."""
    if not is_made_of(user) or (key and user.has_factor):
        return False
    others = [other for other in passkey.of_user(user.id) if other.verifies and (key is None or other.id != key.id)]
    return not others and (key is None or key.verifies)


def asks(user: Account) -> bool:
    """Return whether a password alone is not enough: there is an app, or a demand that a passkey can meet."""
    return user.has_factor or (is_made_of(user) and passkey.has_verifying(user.id))


def confines(user: Account, words: Words) -> bool:
    """Return whether this proof lacks the factor that is demanded of *user*."""
    return is_made_of(user) and not proof.has_factor(words)


def refuses(user_id: str, words: Words) -> bool:
    """Do what `confines` does, for tokens that name an account. Read the account only if that decides."""
    if settings().second_factor == OPTIONAL or proof.has_factor(words):
        return False
    user = db.session.get(User, user_id)
    return user is not None and is_made_of(user)
