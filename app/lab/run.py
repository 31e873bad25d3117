"""One run of the experiment: a disposable session with real tokens, a clock of its own, and what was done to both.

Its entries are in the site's own log, under ids that belong to nobody. Times are Unix seconds on the run's own clock.
"""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from app.lab.designs import Fault

ACCESS_SECONDS = 300
SESSION_SECONDS = 8 * 60 * 60
POLL_SECONDS = 60
PATIENCE_SECONDS = 2 * POLL_SECONDS  # how long a bounded verifier goes on with an old list
LEASE_SECONDS = 1
MOST_SPANS = 40  # of one fault in one run: those before are forgotten


class Way(StrEnum):
    """The ways in which a session can come to its end."""

    CLIENT = "client"
    EXPIRY = "expiry"
    SIGN_OUT = "sign-out"
    ELSEWHERE = "elsewhere"
    ALL = "all"
    PASSWORD = "password"  # noqa: S105 - a name, not a secret
    DISABLED = "disabled"


@dataclass
class Link:
    """One refresh token of a session as the server stores it, a hash, with that of the opaque access token beside it."""

    hash: str
    opaque_hash: str
    issued_at: int
    access_until: int
    used_at: int | None = None


@dataclass
class Signed:
    """One of the person's sessions, as the server knows it. *told*: where the lab's log stood when it opened. *lasts*: for
    an app's, whether it outlives the browser's."""

    sid: str
    opened: int
    began_at: int
    expires_at: int
    cookie_hash: str
    chain: list[Link] = field(default_factory=list)
    lasts: bool | None = None
    told: int = 0

    @property
    def access_until(self) -> int:
        """The greatest expiry of any access token of it."""
        return max(link.access_until for link in self.chain)


@dataclass(frozen=True)
class Pocket:
    """What a browser holds, and what a thief copies."""

    access: str
    opaque: str
    refresh: str
    cookie: str


@dataclass
class Run:
    """*user*: an opaque id. *laptop* is the session of the experiment, *phone* the same person's other one, *apps* were let
    in from the laptop. *policy*: the reaction to a new place from which the laptop's session is used; *known*: the others.
    *entries*: (position in the log, when it was appended, whether the push channel took it). *down*: for each fault the times from when until when."""

    user: str
    offset: int
    began_at: int
    laptop: Signed
    phone: Signed
    held: Pocket | None
    phone_access: str
    entries: list[tuple[int, int, bool]]
    copied: Pocket | None = None
    copied_at: int | None = None
    ended_at: int | None = None
    ended_by: str | None = None
    refused_write: bool = False
    reused: bool = False
    down: dict[str, list[list[int | None]]] = field(default_factory=dict)
    replays: list[dict[str, Any]] = field(default_factory=list)
    apps: list[Signed] = field(default_factory=list)
    policy: str = "ignore"
    known: dict[str, list[str]] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(asdict(self), separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        found = json.loads(text)
        for name in ("laptop", "phone"):
            found[name] = _signed(found[name])
        found["apps"] = [_signed(app) for app in found.get("apps", [])]
        for name in ("held", "copied"):
            found[name] = Pocket(**found[name]) if found[name] else None
        found["entries"] = [(position, at, pushed) for position, at, pushed in found["entries"]]
        return cls(**found)

    @property
    def signed(self) -> tuple[Signed, ...]:
        return self.laptop, self.phone, *self.apps

    def is_down(self, fault: Fault, at: int) -> bool:
        """Say whether *fault* was switched on at this moment."""
        return any(start <= at and (end is None or at < end) for start, end in self._spans(fault))

    def down_since(self, fault: Fault, at: int) -> int | None:
        """Return when the fault that lasts at this moment began, or None if there is none."""
        return next((start for start, end in self._spans(fault) if start <= at and (end is None or at < end)), None)

    def switch(self, fault: Fault, at: int) -> None:
        """Switch a fault on or off."""
        spans = self.down.setdefault(fault.value, [])
        if spans and spans[-1][1] is None:
            spans[-1][1] = at
        else:
            spans.append([at, None])
        del spans[:-MOST_SPANS]

    def _spans(self, fault: Fault) -> list[tuple[int, int | None]]:
        return [(start or 0, end) for start, end in self.down.get(fault.value, [])]


def _signed(found: dict[str, Any]) -> Signed:
    return Signed(**found | {"chain": [Link(**link) for link in found["chain"]]})
