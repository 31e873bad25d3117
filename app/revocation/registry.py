"""The registered nodes, each of which must confirm a revocation."""

from typing import Any

from sqlalchemy import Engine, String, func, select
from sqlalchemy.orm import Mapped, mapped_column

from app.db import Model


class Registered(Model):
    """A node. *position*: how far it has read the log. *beat* grows with each report."""

    __tablename__ = "nodes"
    id: Mapped[str] = mapped_column(String(64), primary_key=True)
    position: Mapped[int]
    beat: Mapped[int]


def count(engine: Engine, position: int) -> tuple[int, int]:
    """Return how many nodes are registered, and how many of them have read the entry at *position*."""
    counted: Any = select(func.count(), func.count().filter(Registered.position >= position)).select_from(Registered)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        nodes, confirmed = connection.execute(counted).one()
    return nodes, confirmed
