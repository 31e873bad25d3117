"""What each design costs: bytes, look-ups, seconds exposed and people wrongly refused, on a simulated day."""

from collections.abc import Iterable
from functools import lru_cache

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.capacity import executor
from app.lab.costs import bars, measure, sliders, timing
from app.lab.costs.bars import Chart, Value
from app.lab.costs.day import Day
from app.lab.costs.measure import Comparison, Cost
from app.lab.costs.timing import Times

bp = Blueprint("costs", __name__, url_prefix="/costs")

REMEMBERED = 64  # days that need not be simulated again


@bp.get("")
def show() -> ResponseReturnValue:
    day, at = sliders.read(request.args)
    compared = _compare(day)
    times = timing.measure()
    return render_template(
        "lab/costs.html",
        sliders=sliders.ALL,
        at=at,
        day=compared,
        charts=_charts(compared.costs, times),
        times=times,
        many=bars.many,
        size=bars.size,
        seconds=bars.seconds,
        brief=bars.brief,
    )


@lru_cache(maxsize=REMEMBERED)
def _compare(day: Day) -> Comparison:
    return executor.run("days", "", measure.compare, day)


def _charts(costs: Iterable[Cost], times: Times) -> dict[str, Chart]:
    listed = list(costs)
    return {
        "exposed": bars.chart([_exposed(cost) for cost in listed], bars.SECONDS),
        "lookups": bars.chart([_asked(cost) for cost in listed], bars.COUNTS),
        "held": bars.chart([_held(cost) for cost in listed if cost.held + cost.stored], bars.SIZES),
        "refused": bars.chart([_refused(cost) for cost in listed], bars.PEOPLE),
        "times": bars.chart(_timed(times), bars.MICROSECONDS),
    }


def _exposed(cost: Cost) -> Value:
    worst, mean = bars.seconds(cost.worst), bars.seconds(cost.mean)
    words = worst if worst == mean else f"up to {worst}, {mean} on average"
    return Value(cost.design.name, cost.worst, words if cost.worst else "", cost.mean)


def _asked(cost: Cost) -> Value:
    lookups = [bars.many(cost.lookups, "look-up")] * bool(cost.lookups)
    messages = [bars.many(cost.messages, "message")] * bool(cost.messages)
    return Value(cost.design.name, cost.lookups + cost.messages, ", ".join(lookups + messages) or "none")


def _refused(cost: Cost) -> Value:
    return Value(cost.design.name, cost.refused, bars.many(cost.refused, "person", "people") if cost.refused else "")


def _held(cost: Cost) -> Value:
    where = (
        bars.size(amount) + words
        for amount, words in ((cost.stored, " in the store"), (cost.held, " at the verifier"))
        if amount
    )
    return Value(cost.design.name, cost.held + cost.stored, ", ".join(where))


def _timed(times: Times) -> list[Value]:
    named = {
        "Verify a signature, ES256": times.signature,
        "Find a row in the database, by its index": times.query,
        "Recognise a token verified before": times.cached,
        "Ask the checker that this site uses": times.checker,
    }
    return [Value(name, seconds * 1e6, bars.brief(seconds)) for name, seconds in named.items()]
