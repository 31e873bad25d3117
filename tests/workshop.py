"""A teacher with a room open, and attendees who come to it."""

import re
from urllib.parse import urlsplit

from app.lab import player
from tests.browsers import Browser, Site

DESIGNS = len(player.every())
STILL = f"8 of {DESIGNS}"  # accept a copy just after the server has ended its session
FORGOTTEN = f"{DESIGNS - 1} of {DESIGNS}"  # accept it where the browser only forgets


class Teacher:
    """A browser with a room open."""

    def __init__(self, site: Site, name: str = "Thursday") -> None:
        self._site = site
        self.browser = site.browser("Safari on macOS")
        self.room = urlsplit(self.browser.post("/lab/rooms", name=name).location).path
        self.code = self.room.rsplit("/", 1)[1]

    def board(self) -> str:
        return self.browser.get(f"{self.room}/board").text

    def row(self, nickname: str) -> str:
        """What the board says about one attendee, in one line."""
        return " ".join(re.sub(r"<[^>]+>", " ", self._row(nickname)).split())

    def name_of(self, nickname: str) -> str:
        """The id by which the board's forms mean an attendee."""
        return re.findall(r'value="(\w+)"', self._row(nickname))[0]

    def arrive(self, nickname: str) -> Browser:
        """An attendee who has just joined."""
        attendee = self._site.browser("Chrome on Android")
        assert attendee.post(f"{self.room}/join", nickname=nickname).status_code == 303
        return attendee

    def _row(self, nickname: str) -> str:
        rows = re.findall(r"<tr>(.*?)</tr>", self.board(), re.DOTALL)
        return next(row for row in rows if f"<bdi>{nickname}</bdi></th>" in row)


def experiment(attendee: Browser, way: str = "sign-out") -> None:
    for path, form in (("sign-in", {}), ("copy", {}), ("sign-out", {"way": way}), ("replay", {})):
        assert attendee.post(f"/lab/{path}", **form).status_code == 303
