"""What docs/security.md claims is shown by tests that exist."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
ROWS = [
    line.strip("| ").split(" | ")
    for line in (TESTS.parent / "docs" / "security.md").read_text().splitlines()
    if line.startswith("| ") and not line.startswith(("| ---", "| line", "| who"))
]
JUDGED = [row for row in ROWS if len(row) > 2 and row[2].strip() in ("met", "not met", "n.a.")]


def defined() -> set[str]:
    trees = [ast.parse(path.read_text()) for path in TESTS.rglob("test_*.py")]
    return {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def named(row: list[str]) -> list[str]:
    return re.findall(r"`(test_\w+)`", row[-1])


def test_every_test_that_is_named_exists() -> None:
    names = {name for row in ROWS for name in named(row)}
    assert len(names) > 80
    assert names - defined() == set()


@pytest.mark.parametrize("row", JUDGED, ids=lambda row: row[0])
def test_what_is_met_names_a_test_or_says_where_it_is_written(row: list[str]) -> None:
    if row[2] == "met":
        assert named(row) or row[-1].startswith("Above")
    elif row[2] == "not met":
        assert not named(row)


def test_every_line_of_rfc_7009_is_judged() -> None:
    judged = {row[0] for row in JUDGED}
    assert {f"REV-{number:02}" for number in range(1, 33)} <= judged
