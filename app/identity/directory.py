"""The list of all accounts, the newest first, and a search in it. A page costs the same however many accounts there are."""

from typing import NamedTuple

from sqlalchemy import BindParameter, bindparam, func, or_, select, tuple_

from app.identity import emails
from app.identity.users import User
from app.store import prebuilt
from app.store.db import db

LOOKED_THROUGH = 5000  # accounts for one page of a search


class Place(NamedTuple):
    """The place of an account in the list."""

    created_at: int
    id: str


class Listed(NamedTuple):
    """The part of an account that the list shows; `User` says what each column means."""

    id: str
    name: str
    email: str
    created_at: int
    is_admin: bool
    disabled_at: int | None


class Page(NamedTuple):
    """One page of accounts. *older*: the place after which the next one begins, if there may be one. *is_partial*: there
    may be, as not all accounts were compared."""

    accounts: list[Listed]
    older: Place | None
    is_partial: bool


_START, _END = Place(2**63 - 1, ""), Place(-1, "")
_USERS = prebuilt.table(User)
_LIVES = _USERS.c.deleted_at.is_(None)
_place = tuple_(_USERS.c.created_at, _USERS.c.id)
_is_after = _place < tuple_(bindparam("created_at"), bindparam("id"))
_is_compared = _place >= tuple_(bindparam("last_created_at"), bindparam("last_id"))
_ORDER = (_USERS.c.created_at.desc(), _USERS.c.id.desc())
_ROWS = select(*(_USERS.c[name] for name in Listed._fields)).where(_LIVES)
_LIST = _ROWS.where(_is_after, _is_compared).order_by(*_ORDER).limit(bindparam("count"))
_TEXTS = (_USERS.c.email, _USERS.c.name)
_PATTERN: BindParameter[str] = bindparam("pattern")
_SEARCH = {  # on SQLite, LIKE ignores the case by itself, in half the time
    "sqlite": _LIST.where(or_(*(text.like(_PATTERN, escape="/") for text in _TEXTS))),
    "postgresql": _LIST.where(or_(*(text.ilike(_PATTERN, escape="/") for text in _TEXTS))),
}
_LAST = (
    select(_USERS.c.created_at, _USERS.c.id)
    .where(_LIVES, _is_after)
    .order_by(*_ORDER)
    .offset(bindparam("skipped"))
    .limit(bindparam("count"))
)
_EXACT = _ROWS.where(
    or_(
        _USERS.c.id == bindparam("typed"),
        _USERS.c.email == bindparam("typed"),
        _USERS.c.mailbox == bindparam("mailbox"),
    )
)
_SOME = select(_USERS.c.id).where(_LIVES).limit(bindparam("most"))
_COUNT = select(func.count()).select_from(_SOME.subquery())


def count(most: int) -> int:
    """Return how many accounts there are, or a number above *most* if there are more."""
    row = prebuilt.ask(_COUNT, most=most + 1)
    return row[0] if row else 0


def newest(number: int, before: Place | None = None) -> Page:
    """Return up to *number* accounts, the newest first: those after the place *before*."""
    return _cut(_list(number, before or _START, _END), number, None)


def search(typed: str, number: int, before: Place | None = None) -> Page:
    """Return up to *number* accounts with *typed* in their address or name, the newest first.

    At most `LOOKED_THROUGH` accounts are compared. The account whose whole address or id was *typed*
    comes first, however old it is.
    """
    after = before or _START
    last = _last_compared(after)
    exact = [Listed(*row) for row in prebuilt.rows(_EXACT, typed=typed, mailbox=emails.mailbox(typed))]
    found = _list(number + len(exact), after, last or _END, pattern=_pattern(typed))
    page = _cut([account for account in found if account not in exact], number, last)
    return page if before else page._replace(accounts=exact + page.accounts)


def _list(number: int, after: Place, last: Place, **sought: str) -> list[Listed]:
    """Return up to *number* accounts and one more: after one place and up to another."""
    until = {"last_created_at": last.created_at, "last_id": last.id}
    statement = _SEARCH[db.engine.dialect.name] if sought else _LIST
    return [Listed(*row) for row in prebuilt.rows(statement, **after._asdict(), **until, **sought, count=number + 1)]


def _cut(found: list[Listed], number: int, last: Place | None) -> Page:
    if len(found) > number:
        return Page(found[:number], Place(found[number - 1].created_at, found[number - 1].id), is_partial=False)
    return Page(found, last, is_partial=last is not None)


def _last_compared(after: Place) -> Place | None:
    """Return the last place that is compared, if there are any after it."""
    found = prebuilt.rows(_LAST, **after._asdict(), skipped=LOOKED_THROUGH - 1, count=2)
    return Place(*found[0]) if len(found) > 1 else None


def _pattern(typed: str) -> str:
    for special in "/%_":
        typed = typed.replace(special, f"/{special}")
    return f"%{typed}%"
