"""Access to the admin pages: administrators only; other users get 404."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask.typing import ResponseReturnValue
from werkzeug.exceptions import NotFound

from app.identity import users
from app.identity.session import Session
from app.identity.users import User
from app.store.db import db, writing
from app.web import guard


def admit() -> ResponseReturnValue | None:
    """Go on only for an administrator who has proved the second factor that is demanded."""
    if guard.is_confined():
        return guard.ask_for_factor()
    check()
    return None


def check() -> None:
    """Go on only for an administrator."""
    visit = guard.visit()
    if visit is None or not visit.user.is_admin:
        raise NotFound


def person(user_id: str) -> User:
    """Return the account of this id."""
    found = db.session.get(User, user_id)
    if found is None or found.deleted_at is not None:
        raise NotFound
    return found


@contextmanager
def acting_on(user_id: str) -> Iterator[Session]:
    """Write about this person on behalf of the current session, if it goes on and is still an administrator's."""
    with writing():
        locked = {found: users.lock(found) for found in sorted({user_id, guard.current().claims.sub})}
        with guard.acting() as current:
            if not locked[current.user_id].is_admin:
                raise NotFound
            yield current
