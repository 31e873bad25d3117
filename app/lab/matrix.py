"""The matrix of all designs, and a page for each: its code, what it holds now, its standard, and when to choose it."""

import inspect
from typing import Any

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from pygments import highlight
from pygments.formatters.html import HtmlFormatter
from pygments.lexers.python import PythonLexer

from app.lab import about, bench, issuer, news, verifier
from app.lab.bearer import Bearer
from app.lab.designs import ALL, NAMED, Delivery, Design, Token
from app.lab.news import Unheard
from app.lab.run import Run
from app.revocation.checkers.base import AllOf, Checker

bp = Blueprint("matrix", __name__, url_prefix="/designs")
MOST = 512  # bytes that are shown


@bp.get("")
def show() -> ResponseReturnValue:
    cells: dict[tuple[str, str, Token], list[Design]] = {}
    for design in ALL.values():
        cells.setdefault((_row(design), design.way.delivery.value, design.token), []).append(design)
    return render_template(
        "lab/designs.html",
        cells=cells,
        count=len(ALL),
        rows=list(dict.fromkeys((_row(design), design.token) for design in (*NAMED, *ALL.values()))),
        deliveries=list(Delivery),
        about=about.ALL,
        designs=ALL,
    )


@bp.get("/<slug>")
def show_one(slug: str) -> ResponseReturnValue:
    design = ALL.get(slug) or abort(404)
    found = bench.here()
    run = found.read_run() if found else None
    row = next((row for row in run.replays[-1]["rows"] if row["slug"] == slug), None) if run and run.replays else None
    return render_template(
        "lab/design.html",
        design=design,
        about=about.ALL[slug],
        sources=[(kind.__name__, _coloured(kind)) for kind in _kinds(design)],
        holding=_holding(design, run) if run else None,
        row=row,
        run=run,
    )


def _row(design: Design) -> str:
    return "denylist" if design.remembers == "denylist and cut-off" else design.remembers


def _kinds(design: Design) -> list[type]:
    made = design.make()
    parts: tuple[Checker, ...] = made.checkers if isinstance(made, AllOf) else (made,)
    return [type(part) for part in parts]


def _coloured(kind: type) -> str:
    return str(highlight(inspect.getsource(kind), PythonLexer(), HtmlFormatter(nowrap=True, classprefix="py-")))


def _holding(design: Design, run: Run) -> dict[str, Any] | None:
    """Return what a verifier of this design holds for the visitor's run at this moment; None if it cannot know."""
    at, laptop = issuer.now(run), run.laptop
    bearer = Bearer("", laptop.sid, run.user, laptop.opened, laptop.access_until, "")
    try:
        heard = news.hear(design, run, bearer, at)
    except Unheard:
        return None
    held = verifier.checker_of(design, heard, at).snapshot()
    return {
        "bytes": len(held),
        "hex": held.strip(b"\0")[:MOST].hex(" ") or "00",
        "entries": [entry._asdict() for entry in heard.entries],
    }
