"""Which test shows which claim of the path: read from the tests, written to docs/questions.md.

`python -m tests.questions` writes the page again.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

from app.lab import questions
from app.lab.questions.question import Question

TESTS = Path(__file__).parent
PAGE = TESTS.parent / "docs" / "questions.md"
HEAD = """# The questions

Each claim that the path of the lab goes through, the pages on which a visitor does it, and the tests that show it.
Written by `python -m tests.questions` from `templates/lab/questions` and from the tests that carry
`@pytest.mark.question("…")`; do not edit by hand.
"""


def page() -> str:
    """Return the page as it should be."""
    tests = marked()
    tables = [f"\n## {title}\n\n{_table(asked, tests)}" for title, asked in questions.PARTS.items()]
    return HEAD + "".join(tables)


def marked() -> dict[str, list[tuple[str, str]]]:
    """Return for each id the tests that carry it: the file and the name."""
    found: dict[str, list[tuple[str, str]]] = {}
    for path in sorted(TESTS.rglob("test_*.py")):
        for name, ids in _marks(ast.parse(path.read_text())):
            for each in ids:
                found.setdefault(each, []).append((path.relative_to(TESTS.parent).as_posix(), name))
    return found


def _marks(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node.name, [each for mark in node.decorator_list for each in _ids(mark)]


def _ids(mark: ast.expr) -> list[str]:
    """Read `@pytest.mark.question("Q1", "A2")`."""
    if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.question":
        return [str(ast.literal_eval(argument)) for argument in mark.args]
    return []


def _table(asked: tuple[Question, ...], tests: dict[str, list[tuple[str, str]]]) -> str:
    rows = [_row(question, tests.get(question.id, [])) for question in asked]
    return "".join(("| id | claim | where to do it | shown by |\n", "| --- | --- | --- | --- |\n", *rows))


def _row(question: Question, tests: list[tuple[str, str]]) -> str:
    pages = "<br>".join(f"`{path}`" for path in [f"/lab/path/{question.id}", *question.go_on])
    shown = "<br>".join(f"[`{name}`](../{path})" for path, name in tests)
    return f"| {question.id} | {question.claim} | {pages} | {shown} |\n"


if __name__ == "__main__":
    PAGE.write_text(page())
