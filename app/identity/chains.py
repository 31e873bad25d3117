"""The stored links of chains of refresh tokens, and the statements that read and write them."""

from collections.abc import Collection
from typing import Any, NamedTuple

from sqlalchemy import ForeignKey, Index, LargeBinary, String, and_, bindparam, func, insert, null, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.crypto import seal
from app.identity import session_row
from app.identity.proof import Proof
from app.identity.session import Session
from app.identity.session_row import SessionRow
from app.identity.users import User
from app.store import prebuilt
from app.store.db import Model, db, partial_index
from app.store.prebuilt import Answer, Row

MOST_CHAINS = 10  # of an app in one session: one for each open tab, say
_ENDS_CHAIN = text("chain IS NOT NULL AND used_at IS NULL AND stopped_at IS NULL")


class Chain(NamedTuple):
    """The facts that all links of a chain share. *chain*: which one of an app's session; *scope*: what it is good for;
    *ends_at*: until when, however much it is used. A later exchange lengthens the session, and no chain. *jkt*: the
    thumbprint of the key that each exchange needs, if it is bound to one.

    The one chain of a browser's session has none of these.
    """

    chain: int | None
    scope: str | None
    ends_at: int | None
    jkt: str | None = None


class Link:
    """One link of a chain, stored under the SHA-256 of the token.

    *link*: the name of the link in its access tokens (the site's own only). *auth_time* and *amr*: when and how the user
    proved who they are, as far as this link may claim it. *seen_at*: its first use, when its token was exchanged or one of its access
    tokens was accepted. *used_at*: when it was exchanged for *successor*, which is kept *sealed* under a key made from
    the token itself, so that another tab, or a browser that lost the answer, gets the same one.

    A *successor* without *used_at* carries a proof of identity. Only the answer to that proof gives it, so it is never
    sealed. A link with *used_at* and no *successor* is void.

    *chain*, *scope*, *ends_at* and *jkt*: see `Chain`. Links of older versions lack the last. *stopped_at*: when the chain
    made room for another. Its tokens get nothing and show no theft, but revoking one still ends the session.
    """

    hash: Mapped[bytes] = mapped_column(LargeBinary(32), primary_key=True)
    link: Mapped[str | None] = mapped_column(String(16))
    session_id: Mapped[str] = mapped_column(ForeignKey("sessions.id"))
    issued_at: Mapped[int]
    access_expires_at: Mapped[int]
    auth_time: Mapped[int | None]
    amr: Mapped[str | None] = mapped_column(String(64))
    seen_at: Mapped[int | None]
    used_at: Mapped[int | None]
    successor: Mapped[bytes | None] = mapped_column(LargeBinary(32))
    sealed: Mapped[bytes | None]
    chain: Mapped[int | None]
    scope: Mapped[str | None] = mapped_column(String(255))
    stopped_at: Mapped[int | None]
    ends_at: Mapped[int | None]
    jkt: Mapped[str | None] = mapped_column(String(43))

    @property
    def proof(self) -> Proof:
        return Proof(self.auth_time, self.amr)

    def is_bound_elsewhere(self, key: str | None) -> bool:
        """Return whether its exchange needs another key than this."""
        return self.jkt not in (None, key)

    @property
    def goes_on(self) -> bool:
        """Whether its chain has neither stopped nor run out."""
        return self.stopped_at is None and (self.ends_at is None or clock.now() < self.ends_at)

    @property
    def is_newest(self) -> bool:
        """Whether its token has not been exchanged."""
        return self.used_at is None and self.successor is None and self.goes_on


class RefreshToken(Link, Model):
    """A link as an ORM object. `Link` says what each column means."""

    __tablename__ = "refresh_tokens"
    __table_args__ = (
        Index("refresh_tokens_of_session", "session_id", "issued_at"),
        partial_index("refresh_tokens_of_chains", "session_id", "issued_at", where=_ENDS_CHAIN),
        *(
            partial_index(f"refresh_tokens_by_{name}", name, where=text(f"{name} IS NOT NULL"))
            for name in ("link", "successor")
        ),
    )


class LinkRow(Row, Link):
    """The row of a link, as it was read or is to be stored. *session*: the one it belongs to, if that was read with it;
    *moment*: the state of the database before `find` read it, if that is known."""

    session: SessionRow
    moment: prebuilt.Moment | None = None

    @property
    def is_current(self) -> bool:
        """Whether the `writing` block that has just begun finds it as it was read, and so need not read it again."""
        return self.moment is not None and self.moment.lasts()


_LINKS, _SESSIONS, _USERS = map(prebuilt.table, (RefreshToken, Session, User))
_IT, _NAMES = _LINKS.c.hash == bindparam("old"), _LINKS.c.keys()
_READ_LOCKED = select(_LINKS).where(_IT).with_for_update()
_HAS_IT = _LINKS.join(_SESSIONS, _SESSIONS.c.id == _LINKS.c.session_id).outerjoin(*session_row.OF_ITS_PARENT)
_FIND = select(*session_row.BOTH, _LINKS).select_from(_HAS_IT).where(_IT)
_FIND_OF = _FIND.where(_SESSIONS.c.client_id == bindparam("client"))
_COUNT = select(func.count()).where(_IT)
_LOCK = (
    select(*session_row.COLUMNS, _LINKS)
    .join(_USERS, _USERS.c.id == _SESSIONS.c.user_id)
    .join(_LINKS, _LINKS.c.session_id == _SESSIONS.c.id)
    .where(_IT)
    .with_for_update(of=(*session_row.LOCKED, _LINKS))
)
_NEWEST_OF = (
    select(_LINKS)
    .where(_LINKS.c.session_id == bindparam("sid"), _LINKS.c.used_at.is_(None), _LINKS.c.successor.is_(None))
    .order_by(_LINKS.c.issued_at.desc())
    .limit(1)
)
_SENT = [(name, f"new_{name}") for name in _NAMES]
_ADD = insert(_LINKS).values({name: bindparam(f"new_{name}") for name in _NAMES})
# Compare and swap: at any isolation level, only one caller moves the chain on.
_MOVE = (
    update(_LINKS)
    .where(_IT, _LINKS.c.used_at.is_(None))
    .values(
        used_at=bindparam("now"),
        seen_at=func.coalesce(_LINKS.c.seen_at, bindparam("now")),
        successor=bindparam("new_hash"),
        sealed=bindparam("sealed_successor"),
    )
)
# The predecessor's copy is no longer needed: this token came back to us.
_UNSEAL = update(_LINKS).where(_LINKS.c.successor == bindparam("old")).values(sealed=null())
_GIVE, _BEGIN = prebuilt.Together(session_row.NOTE_GIVEN, _ADD), prebuilt.Together(session_row.ADD, _ADD)
_ADVANCE = prebuilt.Together(session_row.NOTE, _UNSEAL, _ADD, _MOVE)
_PROVE = update(_LINKS).where(_IT).values(successor=bindparam("new_hash"))
_VOID = update(_LINKS).where(_IT).values(used_at=bindparam("now"), successor=null())
_SEEN_LONG_AGO = select(_LINKS.c.hash).where(_LINKS.c.link == bindparam("name"), _LINKS.c.seen_at < bindparam("then"))
_UNSEAL_OLD = (
    update(_LINKS).where(_LINKS.c.successor.in_(_SEEN_LONG_AGO), _LINKS.c.sealed.is_not(None)).values(sealed=null())
)
_OF_SESSION, _IS_USED = _LINKS.c.session_id == bindparam("sid"), _LINKS.c.used_at.is_not(None)
_CHAIN = (
    select(_LINKS)
    .where(_OF_SESSION)
    .order_by(_LINKS.c.issued_at.desc(), and_(_LINKS.c.used_at.is_(None), _LINKS.c.successor.is_(None)).desc())
    .limit(bindparam("most"))
)
_ROTATIONS = select(func.count()).where(_OF_SESSION, _IS_USED)
_TIPS = select(_LINKS.c.chain).where(_OF_SESSION, _ENDS_CHAIN).order_by(_LINKS.c.issued_at, _LINKS.c.chain)
_STOP = update(_LINKS).where(_OF_SESSION, _LINKS.c.chain == bindparam("number")).values(stopped_at=bindparam("now"))


def locked(name: bytes | None) -> Link | None:
    """Return the link of this hash, locked: its first use is recorded without the session's lock."""
    row = prebuilt.ask(_READ_LOCKED, old=name) if name else None
    return _read(row) if row else None


def find(token: str) -> LinkRow | None:
    """Return the link of this token, with its session."""
    return _look(_FIND, token)


def find_of(client_id: str, token: str) -> LinkRow | None:
    """Return the link of this token, with its session, if the token is this client's. Another's takes as long as none."""
    return _look(_FIND_OF, token, client=client_id)


def is_known(token: str) -> bool:
    """Return whether there is a link of this token, whichever client's."""
    return prebuilt.look(_COUNT, old=seal.digest(token)) != (0,)


def lock(token: str, found: LinkRow) -> LinkRow | None:
    """Return the link of this token, with its session, as they are now: the user's row locked first, all of them held
    until the transaction ends. *found*: what `find` gave."""
    if found.is_current:
        return found
    row = prebuilt.ask(_LOCK, old=seal.digest(token))
    return _read(row[session_row.WIDTH :], session=session_row.read(row)) if row else None


def newest_of(session: Session) -> LinkRow | None:
    """Return the newest link of a browser's session."""
    row = prebuilt.ask(_NEWEST_OF, sid=session.id)
    return _read(row, session=session_row.of(session)) if row else None


def add(new: LinkRow) -> None:
    """Store the first link of a chain, or one that carries a proof. Must run inside `db.writing`."""
    prebuilt.write(_ADD, **_values(new))


def bound(session_ids: Collection[str]) -> set[str]:
    """Return the apps' sessions, of these, whose refresh tokens are all bound to a key."""
    if not session_ids:
        return set()
    newest = select(RefreshToken.session_id, RefreshToken.jkt).where(
        RefreshToken.session_id.in_(session_ids), _ENDS_CHAIN
    )
    found = db.session.execute(newest).all()
    return {sid for sid, _ in found} - {sid for sid, jkt in found if jkt is None}


def give(new: LinkRow, session: SessionRow) -> None:
    """Store the first link of one more chain of an app's session, and the changed *session*, or the new one.

    Must run inside `db.writing`, with the row locked.
    """
    if session.is_new:
        _BEGIN.write(**_values(new), **session_row.values(session))
    else:
        _GIVE.write(**_values(new), **session_row.values(session))
    prebuilt.forget(Session)


def advance(link: Link, new: LinkRow, sealed: bytes, session: SessionRow) -> None:
    """Store the successor of *link* and the changed *session*. Must run inside `db.writing`, under `lock`."""
    moved = _ADVANCE.write(
        old=link.hash, now=clock.now(), sealed_successor=sealed, **_values(new), **session_row.values(session)
    )
    if moved != 1:  # pragma: no cover - the row lock is held
        raise RuntimeError("a refresh token was exchanged twice")
    prebuilt.forget(Session)
    prebuilt.forget(RefreshToken)


def follow(before: bytes, proved: bytes) -> None:
    """Note that a proof of identity made the link *proved* from the one *before*. Must run inside `db.writing`."""
    prebuilt.write(_PROVE, old=before, new_hash=proved)
    prebuilt.forget(RefreshToken)


def void(name: bytes | None) -> None:
    """Void the proved link of this hash, and those made from it: none of them was used."""
    while link := locked(name):
        name = link.successor
        prebuilt.write(_VOID, old=link.hash, now=clock.now())
        prebuilt.forget(RefreshToken)


def unseal_before(name: str, seen_before: int) -> None:
    """Erase the sealed copy of the link called *name*, if its first use was before then. Must run inside `db.writing`."""
    prebuilt.write(_UNSEAL_OLD, name=name, then=seen_before)
    prebuilt.forget(RefreshToken)


def new(**columns: Any) -> LinkRow:
    """Return a link that is not yet stored. A column that is not given is null."""
    return LinkRow(dict.fromkeys(_NAMES), **columns)


def _look(statement: prebuilt.Statement, token: str, **values: str) -> LinkRow | None:
    moment = prebuilt.moment()
    row = prebuilt.look(statement, old=seal.digest(token), **values)
    if row is None:
        return None
    return _read(row[2 * session_row.WIDTH :], session=session_row.read_both(row), moment=moment)


def _read(row: Answer, **known: SessionRow | prebuilt.Moment | None) -> LinkRow:
    return LinkRow(zip(_NAMES, row, strict=True), **known)


def _values(new: LinkRow) -> dict[str, object]:
    row = vars(new)
    return {sent: row[name] for name, sent in _SENT}


def newest(sid: str, count: int) -> list[Link]:
    """Return the newest links of a session's chain, the newest first."""
    return [_read(row) for row in prebuilt.rows(_CHAIN, sid=sid, most=count)]


def rotations(sid: str) -> int:
    """Return how often the session's tokens were renewed."""
    row = prebuilt.ask(_ROTATIONS, sid=sid)
    return int(row[0]) if row else 0


def make_room(session: SessionRow) -> None:
    """Stop the chains of an app's session that were idle longest, so that one more fits."""
    if session.chains < MOST_CHAINS:
        return
    held = [number for (number,) in prebuilt.rows(_TIPS, sid=session.id)]
    for number in held[: max(0, len(held) - MOST_CHAINS + 1)]:
        prebuilt.write(_STOP, sid=session.id, number=number, now=clock.now())
        prebuilt.forget(RefreshToken)
