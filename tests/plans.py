"""What the database is asked, and how it goes about it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import event

from app.store.db import db
from tests import backings
from tests.browsers import Site

SMALL = ("log_head", "CONSTANT ROW")  # one row, or none


@contextmanager
def noting(site: Site, *verbs: str) -> Iterator[list[tuple[str, Any]]]:
    """Note every statement that begins with one of these."""
    found: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, values: Any, *_more: object) -> None:
        if statement.startswith(verbs):
            found.append((statement, values))

    with site.app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", note)
    yield found
    event.remove(engine, "before_cursor_execute", note)


def explain(folder: Path, statements: list[tuple[str, Any]]) -> Iterator[tuple[str, str]]:
    """Explain each statement as the database would run it in tables that are too large to read."""
    with backings.shell(folder) as raw:
        is_sqlite = isinstance(raw, sqlite3.Connection)
        if not is_sqlite:
            raw.execute("SET enable_seqscan = off")
        for statement, values in statements:
            asked = raw.execute(f"EXPLAIN {'QUERY PLAN ' if is_sqlite else ''}{statement}", values)
            yield statement, "\n".join(str(row[-1]) for row in asked.fetchall())


def scans(plan: str) -> list[str]:
    """Return the lines of a plan that read a table from end to end, if it is one that grows."""
    lines = [line for line in plan.splitlines() if not any(name in line for name in SMALL)]
    return [line for line in lines if "Seq Scan" in line or ("SCAN" in line and "USING" not in line)]
