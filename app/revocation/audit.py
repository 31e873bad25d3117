"""Check that the table holds what was appended: recompute the whole tree, and name the first row that differs."""

from collections.abc import Iterator

from sqlalchemy import func, select

from app.revocation import log, merkle
from app.revocation.checkpoint import Checkpoint
from app.revocation.tree import HEIGHT, Leaf, Node
from app.revocation.witness import LogCut
from app.store.db import db

BATCH = 10_000


def first_difference() -> str | None:
    """Return in words what is wrong with the log, or None if every entry is as appended."""
    size, epoch, cut_from = log.stored_head()
    asked = select(Checkpoint.size, Checkpoint.root).where(Checkpoint.epoch == epoch)
    signed = {head.size: head.root for head in db.session.execute(asked)}
    growing = Growing()
    return _entries(size, signed, growing) or _beyond(size, signed) or _tiles(growing) or _cut(size, cut_from)


def _entries(size: int, signed: dict[int, bytes], growing: "Growing") -> str | None:
    last_good = 0
    for position, (row, stored) in enumerate(_rows(size), 1):
        problem = _row(position, row, stored)
        if problem or stored is None:
            return problem
        growing.add(stored)
        if position in signed:
            if growing.root() != signed[position]:
                return f"one of the entries {last_good + 1} to {position} was changed together with its hash"
            last_good = position
    return None


def _row(position: int, row: log.LogEntry | None, stored: bytes | None) -> str | None:
    if row is None:
        return f"entry {position} was removed"
    if stored is None:
        return f"entry {position} was inserted: it has no hash"
    if merkle.leaf_hash(row.entry().commitment(row.nonce)) != stored:
        return f"entry {position} was changed"
    return None


def _rows(size: int) -> Iterator[tuple[log.LogEntry | None, bytes | None]]:
    for start in range(0, size, BATCH):
        end = min(start + BATCH, size)
        inside = log.LogEntry.position > start, log.LogEntry.position <= end
        rows = {row.position: row for row in db.session.scalars(select(log.LogEntry).where(*inside))}
        asked = select(Leaf.position, Leaf.hash).where(Leaf.position > start, Leaf.position <= end)
        leaves = {leaf.position: leaf.hash for leaf in db.session.execute(asked)}
        for position in range(start + 1, end + 1):
            yield rows.get(position), leaves.get(position)
        db.session.expunge_all()


def _beyond(size: int, signed: dict[int, bytes]) -> str | None:
    extra = db.session.scalar(select(func.min(log.LogEntry.position)).where(log.LogEntry.position > size))
    if extra:
        return f"entry {extra} was inserted: the log has {size}"
    if signed and max(signed) > size:
        return f"entry {size + 1} was removed: a head of {max(signed)} entries was signed"
    return None


def _tiles(growing: "Growing") -> str | None:
    for node in db.session.scalars(select(Node).order_by(Node.level, Node.index)):
        if growing.tiles.get((node.level, node.index)) != node.hash:
            return f"the stored hash of tile {node.index} at level {node.level - 1} was changed"
    return None


def _cut(size: int, cut_from: int | None) -> str | None:
    """Report what the tables cannot show: a process had read a longer log."""
    return None if cut_from is None else str(LogCut(size, cut_from))


class Growing:
    """A tree that grows leaf by leaf and keeps only its right edge and the hashes of full tiles."""

    def __init__(self) -> None:
        self._edge: list[tuple[int, int, bytes]] = []  # level, index, hash: from the left to the right
        self._size = 0
        self.tiles: dict[tuple[int, int], bytes] = {}

    def add(self, leaf: bytes) -> None:
        """Add the hash of one more leaf."""
        level, index, found = 0, self._size, leaf
        self._size += 1
        while index & 1:
            _, _, left = self._edge.pop()
            level, index, found = level + 1, index >> 1, merkle.node_hash(left, found)
            if level % HEIGHT == 0:
                self.tiles[level // HEIGHT, index] = found
        self._edge.append((level, index, found))

    def root(self) -> bytes:
        """Return the hash of the whole tree."""
        *rest, (_, _, found) = self._edge
        for _, _, left in reversed(rest):
            found = merkle.node_hash(left, found)
        return found
