"""A walk along the path: what the pages said, and what was kept."""

import html
import json
import re
from dataclasses import dataclass
from typing import Any

from app.lab import questions
from tests.browsers import Browser, Site


@dataclass
class Step:
    """One question as a visitor went through it: the page before, the page after, and what was kept."""

    before: str
    after: str
    kept: dict[str, Any]

    @property
    def found(self) -> str:
        return str(self.kept["found"])

    def rows(self, table: int = 0) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.kept["evidence"]["tables"][table]["rows"]
        return found

    def accepted(self, table: int = 0) -> dict[str, bool]:
        """Which design accepted, by its slug."""
        return {row["slug"]: row["status"] == 200 for row in self.rows(table)}

    def statuses(self, table: int = 0) -> list[int]:
        return [row["status"] for row in self.rows(table)]

    def facts(self) -> dict[str, str]:
        return dict(self.kept["evidence"]["facts"])

    def exposed(self) -> dict[str, int]:
        """For how many seconds each lane of the picture was still accepted."""
        return {lane["slug"]: lane["exposed"] for lane in self.kept["evidence"]["picture"]["lanes"]}


Walk = dict[str, Step]


def page(browser: Browser, path: str) -> str:
    """A page as it is read: entities decoded, white space as one blank."""
    return re.sub(r"[ \n]+", " ", html.unescape(browser.get(path).text))


def kept(site: Site) -> dict[str, Any]:
    """The answers on the one visitor that there is."""
    ((answers,),) = site.query("SELECT answers FROM lab_visitors")
    found: dict[str, Any] = json.loads(answers)
    return found


def walk_through(site: Site, ids: list[str]) -> Walk:
    """Go through these questions, and predict the first choice each time."""
    visitor, pages = site.browser(), {}
    for name in ids:
        before = page(visitor, f"/lab/path/{name}")
        answer = visitor.post(f"/lab/path/{name}", guess=next(iter(questions.ALL[name].choices)))
        assert answer.headers["Location"] == f"/lab/path/{name}#answer"
        pages[name] = before, page(visitor, f"/lab/path/{name}")
    answers = kept(site)
    return {name: Step(before, after, answers[name]) for name, (before, after) in pages.items()}
