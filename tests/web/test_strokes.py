"""Strokes are no template, so nothing escapes them by itself."""

import pytest
from markupsafe import Markup

from app.web import strokes
from app.web.lifeline import Lane

NAME = '"/><script>alert(1)</script>'


@pytest.mark.parametrize(
    "drawn",
    [
        strokes.lane(Lane(NAME, 0, 50, 100, 50, "alarm", NAME), "alarm", is_fine=False),
        strokes.hatch(0, 100, 13, NAME),
        strokes.rule("cut", 50, NAME),
    ],
    ids=["lane", "hatch", "rule"],
)
def test_a_name_cannot_break_out_of_the_stroke_that_bears_it(drawn: Markup) -> None:
    assert "script" in drawn
    assert "<script" not in drawn
    assert NAME[:2] not in drawn
