"""The log as a Merkle tree: the hash of each entry, and of each 256 hashes of a level, as tiles (C2SP tlog-tiles)."""

from sqlalchemy import LargeBinary, select
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model, db
from app.revocation import merkle

HEIGHT = 8
WIDTH = 1 << HEIGHT


class TreeDamaged(Exception):
    """The tree does not hold what was signed. Nothing is signed on top of it."""


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


def append(position: int, commitment: bytes) -> bytes:
    """Add the hash of the entry at *position*, and of each tile that it fills; return it. Must run inside `db.writing`."""
    leaf = merkle.leaf_hash(commitment)
    db.session.add(Leaf(position=position, hash=leaf))
    db.session.flush()
    level, full = 0, position
    while full % WIDTH == 0:
        index = full // WIDTH - 1
        hashes = tile(level, index)
        level, full = level + 1, full // WIDTH
        db.session.add(Node(level=level, index=index, hash=merkle.of_leaves(hashes)(HEIGHT, 0)))
        db.session.flush()
    return leaf


def tile(level: int, index: int, width: int = WIDTH) -> list[bytes]:
    """Return the first *width* hashes of a tile. Raises TreeDamaged if one is missing."""
    return _hashes(level, index * WIDTH, width)


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
        raise TreeDamaged(f"level {level} of the tree has a gap after {start}")
    return found
