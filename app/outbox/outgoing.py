"""One thing to deliver: a row that is kept until it has arrived or is given up."""

from collections.abc import Collection
from typing import Any, Self

from sqlalchemy import String, select, update
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.outbox.answer import Answer, Outcome, next_try
from app.store.db import db

CLAIM_SECONDS = 30  # well beyond the longest attempt: a process that holds a claim longer has died


class Outgoing:
    """The columns of such a row, and what a courier does to it. Times are Unix seconds.

    *id*: the same at each attempt, so that a recipient that gets it twice can tell. *claimed_until*: a process is
    sending it. *next_at*: when it is due, None once it is *delivered_at* or *given_up_at*. *answer*: what came of the
    last attempt, after *milliseconds*. *lane*: of those with the same lane, one is sent at a time.
    """

    lane: Any
    id: Mapped[str] = mapped_column(String(32), primary_key=True)
    made_at: Mapped[int]
    attempts: Mapped[int]
    claimed_until: Mapped[int]
    next_at: Mapped[int | None] = mapped_column(index=True)
    delivered_at: Mapped[int | None]
    given_up_at: Mapped[int | None]
    answer: Mapped[str | None] = mapped_column(String(80))
    milliseconds: Mapped[int | None]

    @classmethod
    def are_due(cls) -> bool:
        """Return whether any waits to be sent: one look into one index."""
        return db.session.scalar(select(cls.id).where(*cls._due()).limit(1)) is not None

    @classmethod
    def claim(cls, busy: Collection[str], room: int) -> list[Self]:
        """Take up to *room* that are due, the oldest of each lane that is not *busy*. Must run inside `db.writing`.

        Compare and swap: another process that looks at the same time takes others, and from now on finds these taken.
        """
        claimed: dict[str, Self] = {}
        while len(claimed) < room:
            due = select(cls).where(*cls._due(), cls.lane.not_in([*busy, *claimed]))
            oldest = due.order_by(cls.next_at, cls.id).limit(room - len(claimed))
            rows = db.session.scalars(
                oldest.with_for_update(skip_locked=True).execution_options(populate_existing=True)
            ).all()
            if not rows:
                break
            for row in rows:
                claimed.setdefault(row.lane, row)
        for row in claimed.values():
            row.claimed_until = clock.now() + CLAIM_SECONDS
        return list(claimed.values())

    def note(self, answer: Answer) -> Outcome | None:
        """Write down what came of the attempt for which it was claimed, and return what that makes of it.

        None if another process has claimed it since. Must run inside `db.writing`.
        """
        now, attempts = clock.now(), self.attempts + 1
        outcome, next_at = answer.outcome, None
        if outcome is Outcome.FAILED:
            next_at = next_try(attempts, self.made_at, now)
            outcome = Outcome.FAILED if next_at else Outcome.GIVEN_UP
        noted = db.change(
            update(type(self))
            .where(type(self).id == self.id, type(self).claimed_until == self.claimed_until)
            .values(
                attempts=attempts,
                claimed_until=0,
                next_at=next_at,
                delivered_at=now if outcome is Outcome.DELIVERED else None,
                given_up_at=now if outcome in (Outcome.REFUSED, Outcome.GIVEN_UP) else None,
                answer=answer.words,
                milliseconds=answer.milliseconds,
                **self.also(outcome),
            )
        )
        return outcome if noted == 1 else None

    def also(self, outcome: Outcome) -> dict[str, Any]:
        """Return what else is written down with this outcome, by column."""
        return {}

    @classmethod
    def _due(cls) -> tuple[Any, ...]:
        return cls.next_at <= clock.now(), cls.claimed_until <= clock.now()
