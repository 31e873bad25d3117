"""Hints: two for each question, folded, and gone once the answer is there."""

import html

import pytest

from app.lab import questions
from app.lab.questions.hints import HINTS
from tests.browsers import Site

pytestmark = pytest.mark.sqlite


def test_each_question_has_two_hints_and_no_hint_is_left_over() -> None:
    assert HINTS.keys() == questions.ALL.keys()
    assert all(first != second for first, second in HINTS.values())


def test_no_hint_says_what_one_can_choose() -> None:
    for name, hints in HINTS.items():
        for words in questions.ALL[name].choices.values():
            assert not any(words in hint for hint in hints), name


def test_hints_are_shown_folded_until_the_question_is_answered(site: Site) -> None:
    browser = site.browser()
    before = html.unescape(browser.get("/lab/path/Q1").text)
    for hint in HINTS["Q1"]:
        assert hint in before
    assert "<details open" not in before
    browser.post("/lab/path/Q1", guess=next(iter(questions.ALL["Q1"].choices)))
    after = html.unescape(browser.get("/lab/path/Q1").text)
    assert not any(hint in after for hint in HINTS["Q1"])
