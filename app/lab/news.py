"""What a verifier of a run has heard of the log at a given moment: the delivery, with its faults."""

import time
from dataclasses import dataclass

from sqlalchemy import select

from app.db import db
from app.lab import redis_list
from app.lab.bearer import Bearer
from app.lab.designs import Delivery, Design, Fault, Silence
from app.lab.run import LEASE_SECONDS, PATIENCE_SECONDS, POLL_SECONDS, Run
from app.revocation import log
from app.revocation.entries import Entry, Kind, Scope
from app.revocation.log import LogEntry


class Unheard(Exception):
    """News are too old to decide on, and there is nobody to ask: refuse rather than guess."""


@dataclass(frozen=True)
class News:
    """*entries* as read from the log. *as_of*: up to when nothing was missed, None if it never hears anything.
    *look_ups*: whom it had to ask for this one request, and how many *seconds* that took."""

    entries: tuple[Entry, ...]
    as_of: int | None
    look_ups: tuple[str, ...] = ()
    seconds: float = 0.0


def hear(design: Design, run: Run, bearer: Bearer, at: int) -> News:
    """Return what a verifier of this design knows at the moment *at*. Raises Unheard."""
    if design.way.delivery is Delivery.ASK:
        return _ask(design, run, bearer, at)
    positions, as_of = _HEARING[design.way.delivery](design, run, at)
    return News(_read(design, run, positions), as_of)


def as_cut(entry: Entry, run: Run) -> Entry:
    """Return a revocation as a server writes it that knows one logout time for each user: all of them are over."""
    if entry.kind is Kind.OPENED or entry.scope is Scope.USER:
        return entry
    return entry._replace(scope=Scope.USER, subject=run.user)


def next_poll(run: Run, at: int) -> int:
    """Return when the verifiers that poll will do so next."""
    return run.began_at + ((at - run.began_at) // POLL_SECONDS + 1) * POLL_SECONDS


def _ask(design: Design, run: Run, bearer: Bearer, at: int) -> News:
    """One look-up for each request: in Redis, where there is one and the design calls for it, else in the database."""
    if run.is_down(Fault.STORE, at):
        raise Unheard("the store does not answer")
    began = time.perf_counter()
    in_redis = redis_list.knows((bearer.sid, bearer.sub)) if design.shared else None
    if in_redis is None:
        log.covers((bearer.sid, bearer.sub), bearer.opened)
    took = time.perf_counter() - began
    positions = _until(run, at) if in_redis is None else [*_openings(run), *in_redis]
    return News(_read(design, run, positions), at, ("the database" if in_redis is None else "Redis",), took)


def _never(_design: Design, _run: Run, _at: int) -> tuple[list[int], int | None]:
    return [], None


def _poll(design: Design, run: Run, at: int) -> tuple[list[int], int | None]:
    polls = range(at - (at - run.began_at) % POLL_SECONDS, run.began_at, -POLL_SECONDS)
    last = next((poll for poll in polls if not run.is_down(Fault.LIST, poll)), run.began_at)
    if design.way.silence is Silence.BOUNDED and at - last > PATIENCE_SECONDS:
        raise Unheard("the last list is too old to be trusted")
    return [*_openings(run), *_until(run, last - 1)], last


def _push(design: Design, run: Run, at: int) -> tuple[list[int], int | None]:
    if design.way.needs is Fault.STORE:
        return _leased(run, at)
    heard = [position for position, when, pushed in run.entries if pushed and when <= at]
    return heard, run.down_since(Fault.PUSH, at) or at


def _leased(run: Run, at: int) -> tuple[list[int], int | None]:
    """Wake-ups may be lost: it reads the log three times in each lease anyhow, and trusts nothing older than that."""
    silent = run.down_since(Fault.STORE, at)
    if silent is None:
        return _until(run, at), at
    if at - silent < LEASE_SECONDS:
        return _until(run, silent), silent
    raise Unheard("the lease on what it remembers is over, and the log does not answer")


def _until(run: Run, at: int) -> list[int]:
    return [position for position, when, _ in run.entries if when <= at]


def _openings(run: Run) -> list[int]:
    return [session.opened for session in run.signed]


def _read(design: Design, run: Run, positions: list[int]) -> tuple[Entry, ...]:
    if not positions:
        return ()
    rows = db.session.scalars(select(LogEntry).where(LogEntry.position.in_(positions)).order_by(LogEntry.position))
    entries = (row.entry() for row in rows)
    return tuple(as_cut(entry, run) if design.cuts_whole_users else entry for entry in entries)


_HEARING = {Delivery.NEVER: _never, Delivery.POLL: _poll, Delivery.PUSH: _push}
