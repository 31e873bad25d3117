"""The matrix of all designs, and a page for each design: its file, to take home, and what the player measures."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, render_template
from flask.typing import ResponseReturnValue
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.python import PythonLexer

from app.capacity import executor, memo
from app.lab import home, lanes, player, visitors
from app.lab.lanes import Picture
from app.lab.player import ACCESS_LIFE, FAULTS, LIES, Act, Answer, Design, Stage, Story
from app.lab.resource import named

bp = Blueprint("matrix", __name__, url_prefix="/designs")
HOME = Path(home.__file__).parent
LICENSE = "# MIT licensed, from Signed Out. Take it.\n"
SHARED = ("serve.py", "sessions.py", "world.py")
_DAY = (Act(0, "sign-in"), Act(0, "copy"))
REMEMBERED = 100  # measurements: two of each design
_LATER = 240  # seconds: before the token expires
CROWD, OTHERS = 300, 200  # people who sign out, and who do not


class Measured:
    """The findings of the player after a few short stories of a design."""

    def __init__(self, slug: str) -> None:
        design = player.find(slug)

        def play(second: int, *acts: Act) -> Stage:
            return player.play(design, Story((*_DAY, *acts)), second)

        out = Act(0, "sign-out")
        #: Seconds after the sign-out in which the copy is accepted.
        self.exposed = player.exposure(design, Story((*_DAY, out)), 0)
        #: Seconds after the copy in which a thief who has copied everything gets in, while the session goes on.
        self.unended = player.exposure(design, Story(_DAY), 0, _break_in)
        self.check = play(0).present("laptop")
        self.sign_out_asks = play(0, out).spent["sign-out"]
        self.phone = play(_LATER, out).present("phone")
        #: A new sign-in, in the second of a sign-out everywhere.
        self.again = play(0, Act(0, "all"), Act(0, "open", "laptop")).present("laptop")
        #: What a forgotten refresh token buys.
        self.bought = play(180, Act(60, "all-but-refresh")).buy()
        #: By the part that is down or lies: the answers to a good token, and to one whose session has ended meanwhile.
        self.silences = {part: _silence(play, part) for part in FAULTS + LIES}
        #: Seconds after a hidden sign-out until the verifier finds the lie, from what another verifier or the user tells it.
        self.two_heads = _notices(design, "two-heads")
        self.receipt = _notices(design, "withhold", Act(20, "show-receipt"))


@bp.get("")
def show() -> ResponseReturnValue:
    every = player.every()
    measured = [(design, _played(Measured, design.slug)) for design in every]
    measured.sort(key=lambda each: each[1].exposed)
    return render_template("lab/designs.html", every=every, measured=measured, before=_draw_before(measured))


def _draw_before(measured: list[tuple[Design, Measured]]) -> Picture:
    """Draw how long a copy is good while the session goes on, with a lane for each design that binds its tokens."""
    bound = [(design.slug, design.name, found.unended) for design, found in measured if not design.is_bearer]
    others = [found.unended for design, found in measured if design.is_bearer]
    rows = [("", f"The other {len(others)}: a token alone", max(others)), *bound]
    return lanes.draw(sorted(rows, key=lambda row: -row[2]), max(others), cut="Copy")


@bp.get("/<slug>")
def show_one(slug: str) -> ResponseReturnValue:
    design, run = named(slug), visitors.run(visitors.current())
    is_copied = run is not None and run.copied
    mine = run.play(design).copy_of("thief" if is_copied else "laptop") if run else {}
    return render_template(
        "lab/design.html",
        design=design,
        measured=_played(Measured, slug),
        refused=_played(crowd, slug),
        crowd=(CROWD, OTHERS),
        source=highlight(design.file.read_text(), PythonLexer(), HtmlFormatter(nowrap=True, classprefix="py-")),
        mine=mine,
        copied=is_copied,
        shared=SHARED,
    )


@bp.get("/<slug>/<file>")
def take(slug: str, file: str) -> ResponseReturnValue:
    """Return the design's file, or one of the files that serve it."""
    design = named(slug)
    if file not in (*SHARED, design.file.name):
        abort(404)
    text = (HOME / file).read_text() if file in SHARED else design.file.read_text()
    return Response(
        LICENSE + text,
        content_type="text/x-python; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{file}"'},
    )


@memo.shared(REMEMBERED)
def _played(work: Callable[[str], Any], slug: str) -> Any:
    """Do the *work* once for a design, in another process, so that no other request waits."""
    return executor.run("lab", visitors.current(), work, slug)


def crowd(slug: str) -> int:
    """Sign many users in, and most of them out. Return how many of the others are refused a minute later."""
    stage = Stage(player.find(slug).module, Story(()))
    for number in range(CROWD + OTHERS):
        stage.sign_in(str(number), f"person {number}")
    for number in range(CROWD):
        stage.sessions.end(stage.held[str(number)]["session"])
    stage.clock.go_on(stage.clock.time + 60)
    return sum(not stage.present(str(number)).accepted for number in range(CROWD, CROWD + OTHERS))


def _break_in(stage: Stage) -> Answer:
    """Present the copy; if it is refused, present what its refresh token buys."""
    answer = stage.present()
    return answer if answer.accepted else stage.buy()


def _silence(play: Callable[..., Stage], part: str) -> tuple[Answer, Answer]:
    """Cut a part just after the copy, sign out, and present both tokens a while later."""
    cut = Act(10, "cut", part)
    out = play(_LATER, cut, Act(20, "sign-out"))
    # Where the sign-out could not be written, nothing is over.
    return play(_LATER, cut).present("laptop"), out.present()._replace(over=out.ended is not None)


def _notices(design: Design, lie: str, *acts: Act) -> int | None:
    """Return after how many seconds a verifier stops trusting its issuer, and so refuses even the phone's good token."""
    story = Story((*_DAY, Act(10, "cut", lie), Act(20, "sign-out"), *acts))
    seconds = player.exposure(design, story, 20, lambda stage: stage.present("phone"))
    return seconds if seconds < ACCESS_LIFE - 20 else None
