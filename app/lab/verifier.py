"""A resource server of the lab: decides on a presented token as its design would, and says why."""

import time
from dataclasses import asdict, dataclass, replace
from typing import Any

from app.lab import bearer, news
from app.lab.bearer import Bearer
from app.lab.designs import Design, Token
from app.lab.news import News, Unheard
from app.lab.run import Run
from app.revocation import checkpoint
from app.revocation.checkers.base import Checker
from app.revocation.entries import Kind


@dataclass(frozen=True)
class Verdict:
    """*status*: 200, 401 or 503. *decided_by*: which look decided. *as_of*: up to when it knew all (Unix seconds)."""

    status: int
    reason: str
    decided_by: str
    look_ups: tuple[str, ...] = ()
    as_of: int | None = None
    microseconds: float = 0.0

    @property
    def accepted(self) -> bool:
        return self.status == 200

    def as_json(self) -> dict[str, Any]:
        return {"accepted": self.accepted, **asdict(self)}


def decide(design: Design, run: Run, token: str, at: int) -> Verdict:
    """Decide on *token* at the moment *at* of the run's clock, and say how long reading it, looking up and checking took.

    What the lab itself does to put the verifier into its state is not counted: a real one is in it already.
    """
    watch = Watch()
    read = _read_jwt(run, token) if design.token is Token.JWT else bearer.read_opaque(run, token)
    watch.stop()
    found = _decide(design, run, read, at, watch)
    return replace(found, microseconds=watch.seconds * 1e6)


def _read_jwt(run: Run, token: str) -> Bearer | None:
    """Read a token. Its `opened` counts in the lab's log, for relying parties, and the designs here read the site's."""
    read, opened = bearer.read_jwt(token), {session.sid: session.opened for session in run.signed}
    return replace(read, opened=opened.get(read.sid, 0)) if read else None


class Watch:
    """Adds up seconds between `start` and `stop`. Runs from the beginning."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.start()

    def start(self) -> None:
        self._began = time.perf_counter()

    def stop(self) -> None:
        self.seconds += time.perf_counter() - self._began


def checker_of(design: Design, heard: News, at: int) -> Checker:
    """Return the checker as it is after all that it heard, with what has expired forgotten."""
    checker = design.make()
    for entry in heard.entries:
        checker.apply(entry)
    checker.forget(at)
    return checker


def _decide(design: Design, run: Run, bearer: Bearer | None, at: int, watch: Watch) -> Verdict:
    if bearer is None:
        return Verdict(401, "This token is not known here.", "the token itself")
    if at >= bearer.exp:
        return Verdict(401, "It has expired.", "its expiry")
    try:
        heard = news.hear(design, run, bearer, at)
    except Unheard as silence:
        return Verdict(503, f"It cannot know: {silence}.", "no answer")
    watch.seconds += heard.seconds
    checker = checker_of(design, heard, at)
    watch.start()
    allowed = checker.allows(bearer)
    watch.stop()
    return _say(design, heard, allowed=allowed)


def _say(design: Design, heard: News, *, allowed: bool) -> Verdict:
    if design.proves and not _proven(heard):
        return Verdict(503, "The issuer cannot prove what its log says.", "a proof that does not hold")
    if allowed and heard.as_of is None:
        return Verdict(200, "It is well signed and has not expired. Nothing else is asked.", "signature and expiry")
    if allowed:
        reason = "Nothing that was heard speaks against it."
        return Verdict(200, reason, design.remembers, heard.look_ups, heard.as_of)
    last = max((entry.position for entry in heard.entries if entry.kind is Kind.REVOKED), default=0)
    decided = f"entry {last} of the log" if last else "not on the list"
    return Verdict(401, "It is over.", f"{design.remembers}, {decided}", heard.look_ups, heard.as_of)


def _proven(heard: News) -> bool:
    """Check each revocation against the signed head of the log, as somebody does who does not trust the issuer."""
    revoked = [entry for entry in heard.entries if entry.kind is Kind.REVOKED]
    try:
        for entry in revoked:
            proof = checkpoint.read(checkpoint.prove(entry.position))
            checkpoint.verify(proof, checkpoint.verifier_key())
            if proof.entry != entry:
                return False
    except ValueError:
        return False
    return True
