"""The replay: present what a thief copied to every design, and to the issuer. Pure: it only plays the visitor's run."""

from functools import partial
from typing import NamedTuple

from app.lab import lanes, player
from app.lab.home.sessions import LIFE
from app.lab.lanes import Picture
from app.lab.player import Answer, Ask, Design, Stage
from app.lab.run import Run, reference

_CUTS = {"client": "Forgetting", "expiry": "Expiry"}


class Verdict(NamedTuple):
    """The answer of a design, or of the issuer. *exposed*: seconds from the end of the session in which it accepts, once there
    is an end. *age*: how many seconds ago the verifier had heard all; None if it never hears."""

    slug: str
    name: str
    answer: Answer
    exposed: int | None
    age: int | None


class Replay(NamedTuple):
    """*at*: the time of the run. *rows*: one for each design, the longest exposed first. *issuer*: the refresh token and the session cookie, whatever the
    design. *over*: the server ended the session, so that an acceptance is a fault."""

    at: int
    over: bool
    rows: list[Verdict]
    issuer: list[Verdict]

    @property
    def accepted(self) -> int:
        return sum(row.answer.accepted for row in self.rows)

    @property
    def two(self) -> tuple[Verdict, Verdict]:
        """The answer in short: the refresh token, which is looked up, and the JWT that nothing but its expiry stops."""
        return self.issuer[0], next(row for row in self.rows if row.slug == reference().slug)


def of(text: str) -> Replay:
    """Present what was copied in a run, given as JSON."""
    run = Run.from_json(text)
    if run is None:
        raise ValueError("no run")
    return everywhere(run)


def everywhere(run: Run) -> Replay:
    """Present what was copied everywhere now; after the end of the session, also find when each is first refused."""
    stage = run.play()
    whose = "thief" if "thief" in stage.held else "laptop"
    present = partial(Stage.present, whose=whose)
    rows = [_judge(design.slug, design.name, run, design, present) for design in player.every()]
    rows.sort(key=lambda row: (-(row.exposed or 0), row.name))
    credentials = (("refresh token", Stage.exchange), ("session cookie", Stage.open_page))
    issuer = [_judge("", name, run, reference(), partial(ask, whose=whose)) for name, ask in credentials]
    return Replay(run.now, stage.is_over, rows, issuer)


def draw_two(run: Run, found: Replay) -> Picture:
    """Draw a lane for each of the two."""
    _, life = _span(run)
    refresh, access = found.two
    rows = [
        ("", "Refresh token: looked up", refresh.exposed or 0),
        ("", "Access token, a JWT: not looked up", access.exposed or 0),
    ]
    return lanes.draw(rows, life, cut="Sign Out")


def draw(run: Run, found: Replay) -> tuple[Picture, Picture]:
    """Draw a lane for each design, and one for each of the thief's other things."""
    ended, life = _span(run)
    cut = _CUTS.get(run.ended_by or "", "Sign-out")
    now = run.now - ended
    mine = lanes.draw([(row.slug, row.name, row.exposed or 0) for row in found.rows], life, now=now, cut=cut)
    longer = [("", row.name.capitalize(), row.exposed or 0) for row in found.issuer]
    return mine, lanes.draw(longer, LIFE - ended, cut=cut)


def _span(run: Run) -> tuple[int, int]:
    """Return when the session ended, and how long the copied access token lived on, in seconds."""
    ended = (run.ended_at or run.began_at) - run.began_at
    return ended, max(1, run.expires_at - run.began_at - ended)


def _judge(slug: str, name: str, run: Run, design: Design, ask: Ask) -> Verdict:
    answer: Answer = ask(run.play(design))
    is_refused = run.time == run.ended_at and not answer.accepted
    exposed = None if run.ended_at is None else 0 if is_refused else run.exposure(design, ask)
    age = None if answer.as_of is None else run.time - answer.as_of
    return Verdict(slug, name, answer, exposed, age)
