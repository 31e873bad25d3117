"""docs/questions.md says what the tests say, and every claim has one."""

from app.lab.questions import ALL
from tests import questions


def test_every_claim_is_shown_by_a_test_and_every_mark_names_a_claim() -> None:
    assert set(questions.marked()) == set(ALL)


def test_the_page_is_up_to_date() -> None:
    assert questions.PAGE.read_text() == questions.page(), "write it again: python -m tests.questions"
