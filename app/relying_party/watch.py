"""How this site learns that a visitor has signed out at the issuer. It is said on its pages, before and after."""

import threading

from app.relying_party.client import Client
from app.relying_party.deliveries import repeat, steady
from app.relying_party.verdict import Unheard
from app.relying_party.visits import How, Visit, Visits
from app.relying_party.words import span


class Watch:
    """*says*: what will happen here after a sign-out at the issuer, in one sentence.

    By itself it does not look: the issuer tells this site (push), or this site never learns of it (never).
    """

    def __init__(self, says: str) -> None:
        self.says = says

    def start(self) -> None:
        """Begin to look, where that goes on in the background."""

    def look(self, visit: Visit) -> None:
        """Look before a page is shown to this visitor; end the session if it is over. Raises Unheard."""


class Asking(Watch):
    """Asks the issuer before each page, and shows no page without its answer."""

    how = How.ASKED

    def __init__(self, says: str, client: Client, visits: Visits) -> None:
        super().__init__(says)
        self._client = client
        self._visits = visits

    def look(self, visit: Visit) -> None:
        self._ask(visit)

    def _ask(self, visit: Visit) -> None:
        asked, refresh = steady(), visit.refresh
        if not refresh:
            return  # it ended a moment ago
        if self._client.is_active(refresh):
            visit.confirmed = asked
        else:
            self._visits.end(visit, self.how)


class Polling(Asking):
    """Asks the issuer about each live session at regular times, and trusts its answer for two rounds."""

    how = How.POLLED

    def __init__(self, client: Client, visits: Visits, every: float) -> None:
        super().__init__(f"this site learns of it a moment later: it asks every {span(every)}", client, visits)
        self._every = every

    def start(self) -> None:
        threading.Thread(target=repeat, args=(self.round, self._every), name="visits", daemon=True).start()

    def look(self, visit: Visit) -> None:
        if steady() - visit.confirmed > 2 * self._every:
            raise Unheard("the last answer is too old to be trusted")

    def round(self) -> None:
        """Ask about each live session once. Raises Unheard at the first question without an answer."""
        for visit in self._visits.live():
            self._ask(visit)


def make(delivery: str, client: Client, visits: Visits, every: float) -> Watch:
    """Return how this site watches its visitors' sessions under *delivery*."""
    if delivery == "ask":
        return Asking("this site learns of it when you open its next page: it asks each time", client, visits)
    if delivery == "poll":
        return Polling(client, visits, every)
    return Watch(
        "it tells this site at once, and you leave here, too" if delivery == "push" else "this site does not notice"
    )
