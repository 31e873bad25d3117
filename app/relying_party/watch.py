"""How this site learns that a visitor has signed out at the issuer. It is said on its pages, before and after."""

import threading
import time
from contextlib import suppress
from typing import Protocol

from app.relying_party.client import Client
from app.relying_party.deliveries import AGAIN_SECONDS, steady
from app.relying_party.verdict import Unheard
from app.relying_party.visits import How, Visit, Visits
from app.relying_party.words import span


class Watch(Protocol):
    """*says*: what will happen here after a sign-out at the issuer, in one sentence."""

    says: str

    def start(self) -> None:
        """Begin to look, where that goes on in the background."""

    def look(self, visit: Visit) -> None:
        """Look before a page is shown to this visitor; end the session if it is over. Raises Unheard."""


class Idle:
    """Does not look: the issuer tells this site (push), or this site never learns of it (never)."""

    def __init__(self, says: str) -> None:
        self.says = says

    def start(self) -> None:
        """Do nothing."""

    def look(self, visit: Visit) -> None:
        """Do nothing."""


class Asking:
    """Asks the issuer before each page, and shows no page without its answer."""

    says = "this site learns of it when you open its next page: it asks each time"

    def __init__(self, client: Client, visits: Visits) -> None:
        self._client = client
        self._visits = visits

    def start(self) -> None:
        """Do nothing: it asks when a visitor comes."""

    def look(self, visit: Visit) -> None:
        _ask(self._client, self._visits, visit, How.ASKED)


class Polling:
    """Asks the issuer about each live session at regular times, and trusts its answer for two rounds."""

    def __init__(self, client: Client, visits: Visits, every: float) -> None:
        self._client = client
        self._visits = visits
        self._every = every
        self.says = f"this site learns of it a moment later: it asks every {span(every)}"

    def start(self) -> None:
        threading.Thread(target=self._follow, name="visits", daemon=True).start()

    def look(self, visit: Visit) -> None:
        if steady() - visit.confirmed > 2 * self._every:
            raise Unheard("the last answer is too old to be trusted")

    def round(self) -> None:
        """Ask about each live session once. Raises Unheard at the first question without an answer."""
        for visit in self._visits.live():
            _ask(self._client, self._visits, visit, How.POLLED)

    def _follow(self) -> None:
        while True:
            began, pause = steady(), min(AGAIN_SECONDS, self._every)
            with suppress(Unheard):  # the answers grow older, until they are too old to trust
                self.round()
                pause = self._every
            time.sleep(max(0.0, began + pause - steady()))


def make(delivery: str, client: Client, visits: Visits, every: float) -> Watch:
    """Return how this site watches its visitors' sessions under *delivery*."""
    if delivery == "ask":
        return Asking(client, visits)
    if delivery == "poll":
        return Polling(client, visits, every)
    pushed = "it tells this site at once, and you leave here, too"
    return Idle(pushed if delivery == "push" else "this site does not notice")


def _ask(client: Client, visits: Visits, visit: Visit, how: How) -> None:
    asked, refresh = steady(), visit.refresh
    if not refresh:
        return  # it ended a moment ago
    if client.is_active(refresh):
        visit.confirmed = asked
    else:
        visits.end(visit, how)
