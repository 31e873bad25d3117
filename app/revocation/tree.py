"""The log as a Merkle tree: the hash of each entry, and of each 256 hashes of a level, as tiles (C2SP tlog-tiles)."""

from sqlalchemy import LargeBinary, bindparam, insert, select
from sqlalchemy.orm import Mapped, mapped_column

from app.revocation import merkle
from app.store import prebuilt
from app.store.db import Model, StoreUnavailable, db
from app.telemetry import security_log

HEIGHT = 8
WIDTH = 1 << HEIGHT


class TreeDamaged(StoreUnavailable):
    """The stored log does not agree with itself. Nothing is signed, proven or published from it."""


def damaged(problem: str) -> TreeDamaged:
    """Report it to the operator, and return what to raise."""
    security_log.line("log_damaged", problem=problem)
    return TreeDamaged(problem)


class Leaf(Model):
    """The hash of the entry at *position*, as it was when the entry was appended."""

    __tablename__ = "log_leaves"
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


class Node(Model):
    """The hash over all 256 hashes of the tile *index* of the level below; written once, when the tile is full."""

    __tablename__ = "log_tiles"
    level: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    index: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    hash: Mapped[bytes] = mapped_column(LargeBinary(32))


ADD = insert(prebuilt.table(Leaf)).values(position=bindparam("new_position"), hash=bindparam("new_hash"))
_FILL = insert(prebuilt.table(Node))


def fill(first: int, count: int) -> None:
    """Add the hash of each tile that *count* leaves from the position *first* on have filled. Must run inside `db.writing`."""
    level, before, after = 0, (first - 1) // WIDTH, (first - 1 + count) // WIDTH
    while before < after:  # tiles of this level that have become full
        filled = [(index, merkle.of_leaves(tile(level, index))(HEIGHT, 0)) for index in range(before, after)]
        level += 1
        prebuilt.add(_FILL, [{"level": level, "index": index, "hash": found} for index, found in filled])
        before, after = before // WIDTH, after // WIDTH


def tile(level: int, index: int, width: int = WIDTH) -> list[bytes]:
    """Return the first *width* hashes of a tile. Raises TreeDamaged if one is missing."""
    return _hashes(level, index * WIDTH, width)


def leaves(start: int, count: int) -> list[bytes]:
    """Return the hashes of *count* entries after the position *start*. Raises TreeDamaged if one is missing."""
    return _hashes(0, start, count)


def subtree(level: int, index: int) -> bytes:
    """Return the hash of a complete subtree, as `merkle` asks for it."""
    whole, rest = divmod(level, HEIGHT)
    return merkle.of_leaves(_hashes(whole, index << rest, 1 << rest))(rest, 0)


def _hashes(level: int, start: int, count: int) -> list[bytes]:
    if level == 0:
        asked = select(Leaf.hash).where(Leaf.position > start, Leaf.position <= start + count).order_by(Leaf.position)
    else:
        below = Node.index < start + count
        asked = select(Node.hash).where(Node.level == level, Node.index >= start, below).order_by(Node.index)
    found = list(db.session.scalars(asked))
    if len(found) != count:
        raise damaged(f"level {level} of the tree has a gap after {start}")
    return found
