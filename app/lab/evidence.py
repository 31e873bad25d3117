"""What an experiment found: which of the choices is right, and all that shows it. Kept as JSON with the prediction."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import httpx

from app.lab.lanes import Picture
from app.lab.player import Answer
from app.web import words


@dataclass(frozen=True)
class Row:
    """One answer to one request. *what* was presented; *slug*: the design that answered, if one did.
    *reaction*: what the policy had to say about the place that it came from. *asked*: what this one check asked for, where that was counted.
    *over*: the session had ended before, so that an acceptance is a fault."""

    what: str
    status: int
    accepted: bool
    over: bool
    why: str
    slug: str = ""
    reaction: str = ""
    asked: dict[str, int] | None = None


@dataclass(frozen=True)
class Table:
    """Answers under one heading."""

    caption: str
    rows: list[Row]


@dataclass(frozen=True)
class Grid:
    """Answers by two things at once: for each row its name and an answer in each of the *columns*."""

    caption: str
    note: str
    heading: str
    columns: list[str]
    rows: list[tuple[str, list[Row]]]


@dataclass(frozen=True)
class Found:
    """*choice*: which one turned out right. *says*: what happened, in a sentence with its numbers.
    *facts*: (what, how much)."""

    choice: str
    says: str
    tables: tuple[Table, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()
    picture: Picture | None = None
    exchange: dict[str, Any] | None = None
    grid: Grid | None = None

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def row(what: str, answer: Answer, *, slug: str = "", over: bool = False) -> Row:
    """Return an answer as a row of a table."""
    return Row(what, answer.status, answer.accepted, over, answer.why, slug, asked=dict(answer.asked))


def accepted(rows: Iterable[Row]) -> set[str]:
    """Return the slugs of the designs that accepted."""
    return {row.slug for row in rows if row.accepted}


def exchange(answer: httpx.Response, secret: str) -> dict[str, Any]:
    """Show a request and its answer as they went over the wire, with the secret shortened."""
    request = answer.request
    body = request.content.decode().replace(secret, words.shorten(secret))
    return {
        "request": {"line": f"{request.method} {request.url.path}", "headers": _headers(request), "body": body},
        "response": {
            "line": f"{answer.status_code} {answer.reason_phrase}",
            "headers": _headers(answer),
            "body": answer.text,
        },
        "milliseconds": answer.elapsed.total_seconds() * 1000,
    }


def _headers(message: httpx.Request | httpx.Response) -> list[tuple[str, str]]:
    shown = ("host", "authorization", "content-type", "content-length", "cache-control", "retry-after")
    found = {**message.headers, "authorization": "Basic …"} if "authorization" in message.headers else message.headers
    return [(name.title(), found[name]) for name in shown if name in found]
