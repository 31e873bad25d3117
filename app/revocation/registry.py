"""The registered nodes, each of which must confirm a revocation."""

from sqlalchemy import String, bindparam, func, select
from sqlalchemy.orm import Mapped, mapped_column

from app.store import prebuilt
from app.store.db import Model


class Registered(Model):
    """A node. *position*: how far it has read the log. *beat* grows with each report."""

    __tablename__ = "nodes"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int]
    beat: Mapped[int]


_NODES = prebuilt.table(Registered)
_COUNT = select(func.count(), func.count().filter(_NODES.c.position >= bindparam("wanted"))).select_from(_NODES)


def count(position: int) -> tuple[int, int]:
    """Return how many nodes are registered, and how many of them have read the entry at *position*."""
    nodes, confirmed = prebuilt.look(_COUNT, wanted=position) or (0, 0)
    return nodes, confirmed
