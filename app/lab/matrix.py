"""The matrix of all designs, and a page for each: its file, to take home, and what the player measures of it."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from flask import Blueprint, Response, abort, render_template
from flask.typing import ResponseReturnValue
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.python import PythonLexer

from app.capacity import executor
from app.lab import home, lanes, player, visitors
from app.lab.lanes import Picture
from app.lab.player import ACCESS_LIFE, FAULTS, LIES, Act, Answer, Design, Stage, Story
from app.lab.resource import named

bp = Blueprint("matrix", __name__, url_prefix="/designs")
HOME = Path(home.__file__).parent
LICENSE = "# MIT licensed, from Signed Out. Take it.\n"
SHARED = ("serve.py", "sessions.py", "world.py")
_DAY = (Act(0, "sign-in"), Act(0, "copy"))
_LATER = 240  # seconds: before the token expires
CROWD, OTHERS = 300, 200  # people who sign out, and who do not


@dataclass(frozen=True)
class Silence:
    """The answers while a *part* is down, or the issuer lies: to a good token, and to one whose session ended meanwhile."""

    part: str
    good: Answer
    ended: Answer
    writes: bool


@dataclass(frozen=True)
class Measured:
    """What the player found.

    *exposed*: seconds after the sign-out in which the copy was accepted. *unended*: seconds after the copy in which a thief who
    has copied everything gets in, while the session goes on. *check*: a good token. *told*: what a sign-out asked for.
    *phone*: the person's other session, after the sign-out. *again*: a new sign-in in the second of a sign-out everywhere.
    *bought*: what a forgotten refresh token then buys. *cut*: on silence. *two_heads*, *receipt*: seconds after a hidden sign-out
    until the verifier finds the lie, by what it hears from another verifier or from the person; None if never."""

    exposed: int
    unended: int
    check: Answer
    told: dict[str, int]
    phone: Answer
    again: Answer
    bought: Answer
    cut: tuple[Silence, ...]
    two_heads: int | None
    receipt: int | None


@bp.get("")
def show() -> ResponseReturnValue:
    every = player.every()
    cells: dict[tuple[str, str], list[Design]] = {}
    for design in every:
        cells.setdefault((design.checker, design.delivery), []).append(design)
    measured = {design: _measured(design.slug) for design in every}
    return render_template(
        "lab/designs.html",
        cells=cells,
        rows=list(dict.fromkeys(design.checker for design in every)),
        measured=dict(sorted(measured.items(), key=lambda found: found[1].exposed)),
        before=_draw_before(measured),
    )


def _draw_before(measured: dict[Design, Measured]) -> Picture:
    """Draw how long a copy is good while the session goes on, with a lane for each design that wants more than a token."""
    lives = [(design, found.unended) for design, found in measured.items()]
    bound = [(design.slug, design.name, unended) for design, unended in lives if not design.is_bearer]
    others = [unended for design, unended in lives if design.is_bearer]
    rows = [("", f"The other {len(others)}: a token alone", max(others)), *bound]
    return lanes.draw(sorted(rows, key=lambda row: -row[2]), max(others), cut="Copy")


@bp.get("/<slug>")
def show_one(slug: str) -> ResponseReturnValue:
    design, run = named(slug), visitors.run()
    stage = run.play(design) if run else None
    whose = next((whose for whose in ("thief", "laptop") if stage and whose in stage.held), "")
    mine = stage.copy_of(whose) if stage and whose else {}
    return render_template(
        "lab/design.html",
        design=design,
        measured=_measured(slug),
        refused=_refused(slug),
        crowd=(CROWD, OTHERS),
        source=_coloured(_source(design)),
        token=mine.get("access"),
        cookie="".join(mine.get("proof", ())),
        copied=whose == "thief",
        home=is_alone(design),
        shared=SHARED,
    )


@bp.get("/<slug>/<file>")
def take(slug: str, file: str) -> ResponseReturnValue:
    """Hand out the design's file, or one of those that it is served with."""
    design = named(slug)
    if file not in (*SHARED, design.file):
        abort(404)
    text = (HOME / file).read_text() if file in SHARED else _source(design)
    return Response(
        LICENSE + text,
        content_type="text/x-python; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )


@cache
def _measured(slug: str) -> Measured:
    """Measure a design once, in another process, so that no other request waits."""
    return executor.run("lab", visitors.current(), measure, slug)


@cache
def _refused(slug: str) -> int:
    return executor.run("lab", visitors.current(), crowd, slug)


def crowd(slug: str) -> int:
    """Sign a crowd in and most of it out. Return how many of the others are refused a minute later."""
    stage = Stage(player.find(slug).module, Story(()))
    for number in range(CROWD + OTHERS):
        stage.sign_in(str(number), f"person {number}")
    for number in range(CROWD):
        stage.sessions.end(stage.held[str(number)]["session"])
    stage.clock.go_on(stage.clock.time + 60)
    return sum(not stage.accepts(str(number)) for number in range(CROWD, CROWD + OTHERS))


def measure(slug: str) -> Measured:
    """Play a few short stories to a design."""
    design = player.find(slug)
    out = Story((*_DAY, Act(0, "sign-out")))
    ended = player.play(design, out, 0)
    again = Story((*_DAY, Act(0, "all"), Act(0, "sign-in-again")))
    return Measured(
        exposed=player.first_refusal(design, out, 0),
        unended=player.first_refusal(design, Story(_DAY), 0, _break_in),
        check=player.play(design, Story(_DAY), 0).present("laptop"),
        told=dict(ended.spent["sign-out"]),
        phone=player.play(design, out, _LATER).present("phone"),
        again=player.play(design, again, 0).present("laptop"),
        bought=player.play(design, Story((*_DAY, Act(60, "all-but-refresh"))), 180).buy(),
        cut=tuple(_silence(design, part) for part in FAULTS + LIES),
        two_heads=_notices(design, "two-heads"),
        receipt=_notices(design, "withhold", Act(20, "show-receipt")),
    )


def _break_in(stage: Stage) -> Answer:
    """Present the copy, and if it is refused, what its refresh token buys."""
    answer = stage.present()
    return answer if answer.accepted else stage.buy()


def is_alone(design: Design) -> bool:
    """Return whether the design's file needs nothing of ours, so that it runs at home."""
    return "from app" not in _source(design)


def _silence(design: Design, part: str) -> Silence:
    """Cut a part just after the copy; then sign out, and look a while later."""
    cut = (*_DAY, Act(10, "cut", part))
    good = player.play(design, Story(cut), _LATER)
    out = player.play(design, Story((*cut, Act(20, "sign-out"))), _LATER)
    return Silence(part, good.present("laptop"), out.present(), writes=out.ended is not None)


def _notices(design: Design, lie: str, *acts: Act) -> int | None:
    """Return after how many seconds a verifier stops trusting its issuer: from then on it refuses the phone's good token, too."""
    story = Story((*_DAY, Act(10, "cut", lie), Act(20, "sign-out"), *acts))
    found = player.first_refusal(design, story, 20, lambda stage: stage.present("phone"))
    return found - 20 if found < ACCESS_LIFE else None


def _source(design: Design) -> str:
    return Path(str(design.module.__file__)).read_text()


def _coloured(source: str) -> str:
    return str(highlight(source, PythonLexer(), HtmlFormatter(nowrap=True, classprefix="py-")))
