"""The results: printed as they come, then written into the documents as Markdown."""

import json
import os
import platform
import re
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

_found: dict[str, str] = {}
_tables: list[str] = []
_series: dict[str, dict[str, float]] = {}


def say(what: str, value: str) -> None:
    """Report one line."""
    _found[what] = value
    print(f"{what}: {value}", file=sys.stderr, flush=True)


def table(title: str, lines: Iterable[str]) -> None:
    """Report a table."""
    _tables.append("\n".join([f"{title}:", "", *lines]))
    print(_tables[-1], file=sys.stderr, flush=True)


def point(series: str, at: str, value: float) -> None:
    """Keep a point of a series for the chart."""
    _series.setdefault(series, {})[at] = value


def save(path: Path) -> None:
    """Keep everything in one file."""
    path.write_text(json.dumps({"lines": _found, "series": _series}, indent=1) + "\n")


def fill(document: Path, name: str) -> None:
    """Print everything, and write it between the two comments of *document* with this name."""
    written = "\n\n".join([_machine(), *([_ratios(_found)] if _found else []), *_tables])
    print(written)
    put(document, name, written)


def quote(document: Path, name: str, lines: Iterable[str]) -> None:
    """Write some of the lines between the two comments of *document* with this name."""
    put(document, name, "\n\n".join([_machine(), _ratios({what: _found[what] for what in lines})]))


def _machine() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}, Python {platform.python_version()}, {os.cpu_count()} processors:"


def _ratios(found: dict[str, str]) -> str:
    return "\n".join(["| ratio | |", "| --- | --- |", *(f"| {what} | {value} |" for what, value in found.items())])


def put(document: Path, name: str, written: str) -> None:
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    put = f"{begin}\n{written}\n{end}"
    text, count = re.subn(f"{begin}.*{end}", lambda _: put, document.read_text(), flags=re.DOTALL)
    if count != 1:
        raise SystemExit(f"{document.name} has no place for {name}")
    document.write_text(text)
