"""A visitor's run: a seed, and a list of timed acts. Everything else follows from playing it.

Its clock stands still between two acts, so a run is the same whether its visitor takes ten minutes or an hour.
"""

import json
import secrets
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from app import clock
from app.config import DAY
from app.lab import player
from app.lab.player import Act, Design, Stage, Story

POLL_SECONDS = 60
MAX_ACTS = 200
WAYS = {  # in which a visitor can end the session, and how the teacher's board says it
    "client": "the browser forgot",
    "expiry": "it expired",
    "sign-out": "the server revoked",
    "elsewhere": "from another device",
    "all": "everywhere at once",
    "password": "the password was changed",
    "disabled": "the account was disabled",
}


@dataclass
class Run:
    """One run of a visitor.

    *name*: the visitor's id, which is in each token. *now*: seconds since *began_at*. *opened*: the position in the lab's log at
    which the run began. *copied*, *ended_at* and *ended_by* sum up its acts. *presented*: how many acts there were, and the time,
    when the visitor last presented the copy; once the session has ended, since then. *outcome*: how many designs accepted the copy
    of an ended session then, of how many. *parties*: what relying parties answered. *at_once*: one button did all of it.
    """

    name: str
    began_at: int = field(default_factory=clock.now)
    seed: str = field(default_factory=lambda: secrets.token_hex(16))
    opened: int = 0
    now: int = 0
    acts: list[Act] = field(default_factory=lambda: [Act(0, "sign-in")])
    copied: bool = False
    ended_at: int | None = None
    ended_by: str | None = None
    presented: list[int] | None = None
    outcome: list[int] | None = None
    parties: list[dict[str, Any]] = field(default_factory=list)
    at_once: bool = False

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str | None) -> Self | None:
        """Read a run. Return None if there is none, or for one that an older version of the site stored."""
        try:
            run = cls(**json.loads(text or "{}"))
        except TypeError:
            return None
        run.acts = [Act(*act) for act in run.acts]
        return run if player.ACTS.keys() >= {act.name for act in run.acts} else None

    @property
    def time(self) -> int:
        """Return the time of the run's clock, in Unix seconds."""
        return self.began_at + self.now

    @property
    def ended(self) -> int:
        """Return when the session ended, in seconds since the run began; if it has not, the time."""
        return (self.ended_at or self.time) - self.began_at

    @property
    def is_full(self) -> bool:
        return len(self.acts) >= MAX_ACTS

    def story(self, acts: int | None = None) -> Story:
        """Return the story of the run, or of its first *acts*."""
        return Story(tuple(self.acts[:acts]), self.seed, self.began_at, self.name)

    def play(self, design: Design | None = None) -> Stage:
        """Play the run to a *design*. Sessions behave the same under every design."""
        return player.play(design or reference(), self.story(), self.now)

    def exposure(self, design: Design) -> int:
        """Return how many seconds after the end of the session its access token is first refused."""
        return player.exposure(design, self.story(), self.ended)

    def do(self, name: str, of: str = "") -> Stage:
        """Add an act, and return the stage after it. A full run does not change."""
        if not self.is_full:
            self.acts.append(Act(self.now, name, of))
        stage = self.play()
        self.copied = "thief" in stage.held
        if stage.ended and self.ended_at is None:
            self.presented = None
        self.ended_at, self.ended_by = stage.ended or (None, None)
        return stage

    def leave(self, way: str) -> Stage:
        """End the session in one of WAYS. Make a copy first if there is none."""
        if not self.copied:
            self.do("copy")
        if way == "expiry":
            self.now = max(self.now, self.expires_at - self.began_at)
        return self.do(way)

    def sign_out_at_once(self) -> Self:
        """Use the tokens for a minute, let a thief copy them, and sign out."""
        self.at_once = True
        self.wait(60)
        self.leave("sign-out")
        return self

    @property
    def expires_at(self) -> int:
        """Return when the newest access token expires."""
        return max(self.play().tokens.values()) + player.ACCESS_LIFE

    @property
    def seconds_left(self) -> int:
        """Return how many seconds the newest access token outlives the session."""
        return max(1, self.expires_at - (self.ended_at or self.time))

    @property
    def next_poll(self) -> int:
        """Return in how many seconds the verifiers poll next."""
        return POLL_SECONDS - self.now % POLL_SECONDS

    def wait(self, seconds: int) -> None:
        self.now = min(self.now + seconds, DAY)  # further on, nothing happens any more


def reference() -> Design:
    """Return the quickest design, to play what is the same under every design."""
    return player.find("expiry")
