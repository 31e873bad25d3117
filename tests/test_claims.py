"""What docs/security.md claims is shown by tests that exist."""

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parent
LINES = (TESTS.parent / "docs" / "security.md").read_text().splitlines()
TABLES = [line for line in LINES if line.startswith("|")]
ROWS = [
    [cell.strip() for cell in line.strip().removeprefix("|").removesuffix("|").split("|")]
    for line, following in zip(TABLES, [*TABLES[1:], ""], strict=True)
    if not line.startswith("| ---") and not following.startswith("| ---")
]
JUDGED = [row for row in ROWS if len(row) == 4 and row[2] in ("met", "not met", "n.a.")]
SHOWN = [row for row in ROWS if row not in JUDGED]


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
def test_what_is_met_names_a_test_or_says_where_it_is_written_and_what_is_not_says_why(row: list[str]) -> None:
    if row[2] == "met":
        assert named(row) or row[-1].startswith("Above")
    else:
        assert re.sub(r"`test_\w+`", "", row[-1]).strip(" .()")


@pytest.mark.parametrize("row", SHOWN, ids=lambda row: row[0])
def test_what_an_attacker_can_do_and_what_goes_beyond_the_standards_names_a_test(row: list[str]) -> None:
    assert len(row) in (2, 4, 5)
    assert named(row)


def test_every_line_of_rfc_7009_is_judged() -> None:
    judged = {row[0] for row in JUDGED}
    assert {f"REV-{number:02}" for number in range(1, 33)} <= judged


ASVS = {
    6: {1: 3, 2: 12, 3: 8, 4: 6, 5: 8, 6: 4, 7: 2, 8: 4},
    7: {1: 3, 2: 4, 3: 2, 4: 5, 5: 3, 6: 2},
    9: {1: 3, 2: 4},
    10: {1: 2, 2: 3, 3: 5, 4: 16, 5: 5, 6: 2, 7: 3},
}
"""How many requirements each section of these chapters of ASVS 5.0 has."""

NOT_MET = """
6.2.8 6.3.8 6.5.5
7.2.4
10.4.1
"""


def test_no_row_is_met_in_part() -> None:
    """Such a row is not met, and says what is missing."""
    assert not [row for row in ROWS if any(cell.startswith("partly") for cell in row[1:3])]


def test_every_requirement_of_four_chapters_of_asvs_has_one_row_and_the_text_says_how_many_are_not_met() -> None:
    sheet = [row for row in JUDGED if re.fullmatch(r"(6|7|9|10)\.\d+\.\d+ \([123]\)", row[0])]
    asked = [
        f"{chapter}.{section}.{number}"
        for chapter, sections in ASVS.items()
        for section, count in sections.items()
        for number in range(1, count + 1)
    ]
    assert [row[0].partition(" ")[0] for row in sheet] == asked
    unmet = [row[0] for row in sheet if row[2] == "not met"]
    assert [name.partition(" ")[0] for name in unmet] == NOT_MET.split()
    assert f"Of {len(sheet)} rows, {len(unmet)} are not met, three of them of level 1." in "\n".join(LINES)
    assert len([name for name in unmet if name.endswith("(1)")]) == 3
