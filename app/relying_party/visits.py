"""The sessions of this site, in the memory of its single process."""

import secrets
import threading
import time
from dataclasses import dataclass, field
from enum import StrEnum

from app.relying_party.deliveries import steady
from app.relying_party.logout_token import Logout

LIFE_SECONDS = 8 * 60 * 60  # then it ends by itself, even if no message came
ENDED_SECONDS = 10 * 60  # how long its page can say how it ended and whose it was
MAX_VISITS = 10_000


class How(StrEnum):
    """How this site knew that a session was over."""

    HERE = "here"
    TOLD = "told"
    POLLED = "polled"
    ASKED = "asked"
    EXPIRED = "expired"


@dataclass
class Visit:
    """A session of this site. *sid*: the issuer's session for this site. Times are Unix seconds.

    *confirmed*: when the issuer last said that its session goes on, on the steady clock.
    *logout_state*: the state that the browser took along to the issuer to sign out there, too.
    """

    sub: str
    sid: str
    name: str
    issued: int
    id_token: str = field(repr=False)
    refresh: str = field(repr=False)
    id: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    logout_state: str = field(default_factory=lambda: secrets.token_urlsafe(16), repr=False)
    began: float = field(default_factory=time.time)
    confirmed: float = field(default_factory=steady)
    ended: float | None = None
    how: How | None = None

    @property
    def is_live(self) -> bool:
        return self.ended is None

    @property
    def ends(self) -> float:
        return self.began + LIFE_SECONDS

    def is_meant(self, logout: Logout) -> bool:
        """Return whether that message is about this session. One without a session spares users who signed in since."""
        if logout.sid is None:
            return self.sub == logout.sub and self.issued <= logout.iat
        return self.sid == logout.sid and logout.sub in (None, self.sub)


class Visits:
    """All sessions here. A message that overtakes the sign-in it is about still counts."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._all: dict[str, Visit] = {}
        self._told: dict[str, Logout] = {}

    def begin(self, visit: Visit) -> bool:
        """Keep *visit*; False if the issuer has said in the meantime that it is over."""
        with self._lock:
            self._forget()
            if any(visit.is_meant(logout) for logout in self._told.values()):
                return False
            if len(self._all) >= MAX_VISITS:
                self._all.pop(next(iter(self._all)))
            self._all[visit.id] = visit
            return True

    def find(self, key: str) -> Visit | None:
        """Return a session, live or lately ended, by the secret in its browser's cookie."""
        with self._lock:
            self._forget()
            return self._all.get(key)

    def live(self) -> list[Visit]:
        with self._lock:
            self._forget()
            return [visit for visit in self._all.values() if visit.is_live]

    def end(self, visit: Visit, how: How) -> None:
        """End it, if it has not ended before. It keeps no token."""
        with self._lock:
            _end(visit, how)

    def hear(self, logout: Logout) -> None:
        """End what the message is about. Sent again it changes nothing."""
        with self._lock:
            if logout.jti in self._told:
                return
            self._told[logout.jti] = logout
            for visit in self._all.values():
                if visit.is_meant(logout):
                    _end(visit, How.TOLD)

    def _forget(self) -> None:
        now = time.time()
        for visit in self._all.values():
            if now >= visit.ends:
                _end(visit, How.EXPIRED)
        self._all = {key: visit for key, visit in self._all.items() if now < (visit.ended or now) + ENDED_SECONDS}
        self._told = {jti: logout for jti, logout in self._told.items() if now < logout.exp + ENDED_SECONDS}


def _end(visit: Visit, how: How) -> None:
    if visit.is_live:
        visit.ended, visit.how = time.time(), how
        visit.id_token = visit.refresh = ""
