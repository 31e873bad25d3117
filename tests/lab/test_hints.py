"""Hints: two for each question, folded, and gone once the answer is there."""

import html

import pytest

from app.lab import questions
from tests.browsers import Site

pytestmark = pytest.mark.sqlite


def test_each_question_has_two_hints() -> None:
    for question in questions.ALL.values():
        first, second = question.hints
        assert first != second


def test_no_hint_says_what_one_can_choose() -> None:
    for name, question in questions.ALL.items():
        for words in question.choices.values():
            assert not any(words in hint for hint in question.hints), name


def test_hints_are_shown_folded_until_the_question_is_answered(site: Site) -> None:
    browser = site.browser()
    before = html.unescape(browser.get("/lab/path/Q1").text)
    for hint in questions.ALL["Q1"].hints:
        assert hint in before
    assert "<details open" not in before
    browser.post("/lab/path/Q1", guess=next(iter(questions.ALL["Q1"].choices)))
    after = html.unescape(browser.get("/lab/path/Q1").text)
    assert not any(hint in after for hint in questions.ALL["Q1"].hints)
