"""What each design costs: bytes, look-ups, seconds exposed and people wrongly refused, on a simulated day."""

from collections.abc import Sequence
from typing import NamedTuple

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import MultiDict

from app.capacity import executor, memo
from app.lab.costs import bars, measure, timing
from app.lab.costs.bars import Bar, Chart
from app.lab.costs.day import Day
from app.lab.costs.measure import Comparison, Cost
from app.lab.costs.timing import Times
from app.web.words import MINUTE

bp = Blueprint("costs", __name__, url_prefix="/costs")

REMEMBERED = 64  # days that need not be simulated again


class Slider(NamedTuple):
    """What a visitor may set: the *places* where it can stand, and where it stands at first."""

    name: str
    label: str
    unit: str
    places: range
    usual: int

    def read(self, given: MultiDict[str, str]) -> int:
        """Return the place that is nearest to what was *given*."""
        value = given.get(self.name, self.usual, type=int)
        return min(self.places, key=lambda place: abs(place - value))


SLIDERS = (
    Slider("people", "People", "people", range(20, 201, 20), Day().people),
    Slider("life", "An access token lives", "minutes", range(2, 61), Day().life // MINUTE),
    Slider("poll", "A poll every", "seconds", range(15, 301, 15), Day().poll),
    Slider("leaving", "Sessions signed out", "percent", range(5, 101, 5), Day().leaving),
)


@bp.get("")
def show() -> ResponseReturnValue:
    at = {slider.name: slider.read(request.args) for slider in SLIDERS}
    compared, times = _compare(Day(**at | {"life": at["life"] * MINUTE})), timing.measure()
    charts = _charts(compared.costs, times)
    return render_template(
        "lab/costs.html", sliders=SLIDERS, at=at, day=compared, charts=charts, times=times, many=bars.many
    )


@memo.shared(REMEMBERED)
def _compare(day: Day) -> Comparison:
    return executor.run("days", "", measure.compare, day)


def _charts(costs: Sequence[Cost], times: Times) -> dict[str, Chart]:
    return {
        "exposed": bars.chart(map(_exposed, costs), "s"),
        "lookups": bars.chart(map(_asked, costs)),
        "held": bars.chart((_held(cost) for cost in costs if cost.held + cost.stored), "B"),
        "refused": bars.chart(map(_refused, costs)),
        "times": bars.chart(_timed(times), "µs"),
    }


def _exposed(cost: Cost) -> Bar:
    words = f"up to {cost.worst:,} s, {cost.mean:,.1f} s on average" if cost.worst else ""
    return Bar(cost.design.name, cost.worst, words, cost.mean)


def _asked(cost: Cost) -> Bar:
    counts = ((cost.lookups, "look-up"), (cost.messages, "message"))
    words = ", ".join(bars.many(count, one) for count, one in counts if count)
    return Bar(cost.design.name, cost.lookups + cost.messages, words or "none")


def _refused(cost: Cost) -> Bar:
    return Bar(cost.design.name, cost.refused, bars.many(cost.refused, "person", "people") if cost.refused else "")


def _held(cost: Cost) -> Bar:
    sizes = ((cost.stored, "in the store"), (cost.held, "at the verifier"))
    words = ", ".join(f"{bars.many(amount, 'byte')} {where}" for amount, where in sizes if amount)
    return Bar(cost.design.name, cost.held + cost.stored, words)


def _timed(times: Times) -> list[Bar]:
    named = {
        "Verify a signature, ES256": times.signature,
        "Find a row in the database, by its index": times.query,
        "Check a token as this site does": times.own,
    }
    return [Bar(name, took, f"{took:,.1f} µs") for name, took in named.items()]
