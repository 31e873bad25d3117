"""The first page has a door for each visitor: to try it, to make an account, to teach."""

import re
from collections.abc import Callable

import pytest

from tests.browsers import Site

pytestmark = pytest.mark.page


@pytest.mark.parametrize(
    ("settings", "doors"),
    [
        ({}, ["/lab", "/sign-up", "/lab/rooms"]),
        ({"WORKSHOP": "0"}, ["/lab", "/sign-up"]),
        ({"LAB": "0"}, ["/sign-up"]),
    ],
)
def test_each_door_is_there_and_opens_without_an_account(
    open_site: Callable[..., Site], settings: dict[str, str], doors: list[str]
) -> None:
    visitor = open_site(**settings).browser()
    [shown] = re.findall(r'<ul class="doors">(.*?)</ul>', visitor.get("/").text, re.DOTALL)
    assert re.findall(r'href="([^"]+)"', shown) == doors
    assert [visitor.get(door).status_code for door in doors] == [200] * len(doors)
