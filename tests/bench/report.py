"""What was measured: printed as the rows of a table, and kept for the chart."""

import json
from pathlib import Path

_found: dict[str, str] = {}
_series: dict[str, dict[str, float]] = {}


def say(what: str, value: str) -> None:
    """Report one line."""
    _found[what] = value
    print(f"| {what} | {value} |", flush=True)


def point(series: str, at: str, value: float) -> None:
    """Keep a point of a series for the chart."""
    _series.setdefault(series, {})[at] = value


def save(path: Path) -> None:
    """Keep everything in one file."""
    path.write_text(json.dumps({"lines": _found, "series": _series}, indent=1) + "\n")
