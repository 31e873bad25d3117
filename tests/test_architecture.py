"""docs/architecture.md draws the house as it is, and the ways through it as requests take them."""

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from types import FrameType

import pytest

from tests.browsers import ACCESS, Browser, Site

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()
PLACE = re.compile(r"`(app/[\w/]+\.py):([\w.]+)`")
Place = tuple[str, str]
HEADINGS = {"visit": "A visit", "refresh": "A refresh", "sign_out": "A sign-out"}
pytestmark = [pytest.mark.sqlite]


@contextmanager
def calls() -> Iterator[list[Place]]:
    """Lists the functions of the site as they are called."""
    found: list[Place] = []

    def see(frame: FrameType, event: str, _argument: object) -> None:
        if event == "call" and frame.f_code.co_filename.startswith(f"{ROOT}/app/"):
            found.append((str(Path(frame.f_code.co_filename).relative_to(ROOT)), frame.f_code.co_qualname))

    sys.setprofile(see)
    try:
        yield found
    finally:
        sys.setprofile(None)


def way(heading: str) -> list[Place]:
    section = PAGE.split(f"## {heading}\n")[1].split("\n## ")[0]
    return [(found[1], found[2]) for line in section.splitlines() if (found := PLACE.search(line))]


def visit(ada: Browser) -> None:
    assert ada.get("/devices").status_code == 200


def refresh(ada: Browser) -> None:
    ada.forget(ACCESS)
    visit(ada)


def sign_out(ada: Browser) -> None:
    assert ada.sign_out().status_code == 303


@pytest.mark.parametrize("act", [visit, refresh, sign_out], ids=lambda act: act.__name__)
def test_a_request_takes_the_way_that_is_described(site: Site, act: Callable[[Browser], None]) -> None:
    ada = site.member()
    with calls() as called:
        act(ada)
    told, rest = way(HEADINGS[act.__name__]), iter(called)
    assert len(told) >= 8
    assert [place for place in told if place not in rest] == []  # in this order: each looks only at what is left


def test_every_place_that_is_named_exists() -> None:
    named = PLACE.findall(PAGE)
    assert len(named) > 30
    for path, name in named:
        *classes, function = name.split(".")
        source = (ROOT / path).read_text()
        assert re.search(rf"^ *def {function}\(", source, re.MULTILINE), (path, name)
        assert all(re.search(rf"^class {one}\b", source, re.MULTILINE) for one in classes), (path, name)


def test_the_picture_shows_each_package_and_none_above_one_that_it_may_not_know() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    layers = [layer.split(" | ") for layer in settings["tool"]["importlinter"]["contracts"][0]["layers"]]
    height = {name: floor for floor, layer in enumerate(layers) for name in layer}
    lines = PAGE.split("```text\n")[1].split("```")[0].splitlines()
    drawn = [[word for word in re.findall(r"\w+", line) if word in height] for line in lines]
    assert sorted(name for line in drawn for name in line) == sorted(height)
    spans = [(min(floors), max(floors)) for line in drawn if (floors := [height[name] for name in line])]
    assert all(upper[1] < lower[0] for upper, lower in pairwise(spans))
