"""A trial: it plays the story of a question, line by line, and stores nothing."""

import secrets
from collections import defaultdict
from dataclasses import asdict
from typing import Any

from jinja2 import Environment, StrictUndefined
from sqlalchemy import delete

from app.config import settings
from app.lab import lanes, player, visitors
from app.lab.costs import bars
from app.lab.player import Answer, Stage
from app.lab.questions import logout
from app.lab.questions.question import Question
from app.lab.run import Run
from app.lab.visitors import Visitor
from app.store.db import db, writing
from app.web import own_server, words
from app.web.own_server import Exchange

_REQUESTS = {"present": Stage.present, "buy": Stage.buy, "exchange": Stage.exchange, "open-page": Stage.open_page}
_OWN = ("anew", "wait", "count", "draw")  # acts of the trial itself
_templates = Environment(undefined=StrictUndefined)  # noqa: S701 - plain text, which the page escapes
_FILTERS = (bars.many, words.clock, words.shorten, words.span)
_templates.filters |= {each.__name__: each for each in _FILTERS}


class Findings(list[Answer]):
    """Several answers, each named by its design, or else by what was presented."""

    @property
    def accepted(self) -> list[str]:
        return [answer.slug or answer.what for answer in self if answer.accepted]

    @property
    def refused(self) -> list[str]:
        return [answer.slug or answer.what for answer in self if not answer.accepted]


class Trial:
    """*run*: the story so far; it begins with a copy of the tokens in a thief's hands. *tables*: the findings, by the names
    that the story gives. *values*: everything else that the question's templates can use."""

    def __init__(self, question: Question) -> None:
        self.question = question
        self.tables: dict[str, Findings] = defaultdict(Findings)
        self.values: dict[str, Any] = {"names": question.names, "counts": [], "exposed": {}, "otherwise": True}
        self.run: Run
        self._anew()

    def play(self, *lines: str) -> Findings:
        """Play lines of a story, and return their findings.

        A line is an act of `player.Stage` or of this class, such as `cut store` or `wait 60`, or a request whose findings go
        into a table: `table = present HOLDER DESIGN DESIGN: what it is`. `hourly 3 LINE` plays a line after each of 3 hours.
        """
        findings = Findings()
        for line in lines:
            if line.startswith("hourly "):
                _, times, again = line.split(" ", 2)
                findings += self.play(*["wait 3600", again] * int(times))
            else:
                findings += self._play(line)
        return findings

    def _play(self, line: str) -> Findings:
        table, _, command = line.rpartition(" = ")
        command, _, what = command.partition(": ")
        verb, *of = command.split()
        if verb == "notify-app":
            findings = Findings(logout.send("lab", self.stage().session, since=self.run.time))  # to an app that is down
        elif verb in _REQUESTS:
            findings = self._ask(verb, *of, what=_fill(what, {"run": self.run}))
        else:
            findings = Findings()
            getattr(self, f"_{verb}")(*of) if verb in _OWN else self.run.do(verb, *of)
        self.tables[table] += findings
        return findings

    def stage(self, slug: str = "") -> Stage:
        """Return the stage of a design; without one, return what is the same under all designs."""
        return self.run.play(player.find(slug) if slug else None)

    def send(self, path: str, client: tuple[str, str] | None = None, **form: str) -> Exchange:
        """Send a real request with the copied refresh token to our own application. Meanwhile a visitor has the run."""
        with writing():
            visitor = visitors.make(secrets.token_urlsafe())
            self.run.name = name = visitor.id
            visitor.run = self.run.to_json()
        token = self.stage().held["thief"]["refresh"]
        try:
            return own_server.send(
                "POST", settings().site_url + path, form={"token": token, **form}, client=client, secrets=(token,)
            )
        finally:
            self.run = visitors.run(name) or self.run
            with writing():
                db.session.execute(delete(Visitor).where(Visitor.id == name))

    def evidence(self) -> dict[str, Any]:
        """Return the right choice, and everything that shows it."""
        asked, known = self.question, self.values | self.tables | {"run": self.run}
        return {
            "choice": next(choice for choice, condition in asked.right.items() if _holds(condition, known)),
            "says": _fill(asked.says, known),
            "tables": [
                {"caption": caption, "rows": [row._asdict() for row in self.tables[name]]}
                for name, caption in asked.tables.items()
            ],
            "facts": [(what, _fill(text, known)) for what, text in asked.facts],
            "picture": asdict(known["picture"]) if "picture" in known else None,
            "exchange": known.get("exchange"),
            "grid": asked.grid
            and {
                **asked.grid,
                "note": _fill(asked.grid["note"], known),
                "rows": [(name, [cell._asdict() for cell in cells]) for name, cells in known["cells"].items()],
            },
        }

    # Acts that no design sees, and requests.

    def _anew(self) -> None:
        self.run = Run("trial")
        self.run.do("copy")

    def _wait(self, seconds: str) -> None:
        self.run.wait(int(seconds))

    def _count(self, slug: str, prefix: str) -> None:
        """Count the names in a design's store that begin with *prefix*."""
        self.values["counts"].append(len(self.stage(slug).world.store.names(prefix)))

    def _draw(self, *slugs: str) -> None:
        """Measure when each design first refuses the copy, and draw it, the longest exposed first."""
        rows = [(slug, player.find(slug).name, self.run.exposure(player.find(slug))) for slug in self._designs(slugs)]
        rows.sort(key=lambda row: -row[2])
        exposed = {slug: seconds for slug, _, seconds in rows}
        self.values |= {"exposed": exposed, "picture": lanes.draw(rows, self.run.seconds_left)}

    def _designs(self, named: tuple[str, ...]) -> list[str]:
        """Return the designs of a line. *bearers* accept a token from any holder; *bound* designs require more."""
        every = player.every()
        groups = {
            "bearers": [design.slug for design in every if design.is_bearer],
            "bound": [design.slug for design in every if not design.is_bearer],
            "named": list(self.question.names),
        }
        return [slug for name in named for slug in groups.get(name, [name])]

    def _ask(self, verb: str, whose: str, *designs: str, what: str) -> Findings:
        findings = Findings()
        for slug in self._designs(designs) or [""]:
            stage = self.stage(slug)
            is_over = stage.has_ended(stage.hold(whose)["session"])
            answer = _REQUESTS[verb](stage, whose)
            findings.append(answer._replace(what=what or self.question.names.get(slug, ""), slug=slug, over=is_over))
        if verb == "exchange":
            self.run.do("refresh", whose)
        return findings


def _fill(template: str, known: dict[str, Any]) -> str:
    """Fill in a template of a question. Raises UndefinedError for a name that is not *known*."""
    return _templates.from_string(template).render(known)


def _holds(condition: str, known: dict[str, Any]) -> bool:
    """Return whether a condition of a question holds."""
    return bool(_templates.compile_expression(condition, undefined_to_none=False)(known))
