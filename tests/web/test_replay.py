"""Copied cookies, presented after each way a session can end: refused at once, on every node; all else lives on."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from app import clock
from app.config import DAY
from tests.backings import Backing
from tests.browsers import ACCESS, PASSWORD, REFRESH, Browser, Pocket, Site
from tests.conftest import copied, standing_still


@dataclass
class Story:
    """Ada is signed in on a laptop, whose cookies a thief has copied, and on a phone. Bob is another user."""

    site: Site
    laptop: Browser
    phone: Browser
    bob: Browser
    pocket: Pocket


def begin(site: Site) -> Story:
    laptop = site.member("ada@example.org")
    laptop.sign_in(keep="y")
    phone = site.browser("Chrome on Android")
    phone.sign_in(keep="y")
    bob = site.member("bob@example.org", "Safari on macOS")
    return Story(site, laptop, phone, bob, laptop.pocket())


@pytest.fixture
def story(site: Site) -> Story:
    return begin(site)


def signs_out(story: Story) -> None:
    story.laptop.sign_out()


def is_ended_from_the_phone(story: Story) -> None:
    story.phone.post(f"/devices/{story.laptop.session()['sid']}/end")


def is_among_the_others_ended_from_the_phone(story: Story) -> None:
    story.phone.post("/devices/end-others")


def changes_the_password_on_the_phone(story: Story) -> None:
    story.phone.post("/account/password", current=PASSWORD, password="nine quiet walruses", end_others="y")


def changes_the_password_on_the_laptop_itself(story: Story) -> None:
    story.laptop.post("/account/password", current=PASSWORD, password="nine quiet walruses")


def signs_in_again_on_the_laptop(story: Story) -> None:
    story.laptop.sign_in()


def is_left_alone_for_two_weeks(story: Story) -> None:
    for _ in range(15):
        story.site.wait(DAY)
        assert story.phone.is_signed_in()
    story.bob.sign_in("bob@example.org")


def reaches_its_longest_life(story: Story) -> None:
    for day in range(30):
        if day == 20:
            story.phone.sign_in(keep="y")
            story.bob.sign_in("bob@example.org", keep="y")
        story.site.wait(DAY)
        assert story.laptop.is_signed_in() == (day < 29)
        assert story.phone.is_signed_in()


def is_robbed_and_an_old_refresh_token_comes_back(story: Story) -> None:
    story.site.wait(400)
    assert story.laptop.is_signed_in()
    story.site.wait(400)
    assert story.laptop.is_signed_in()
    assert not story.site.thief(story.pocket).is_signed_in()
    assert not story.laptop.is_signed_in()


ENDINGS = [
    signs_out,
    is_ended_from_the_phone,
    is_among_the_others_ended_from_the_phone,
    changes_the_password_on_the_phone,
    changes_the_password_on_the_laptop_itself,
    signs_in_again_on_the_laptop,
    is_left_alone_for_two_weeks,
    reaches_its_longest_life,
    is_robbed_and_an_old_refresh_token_comes_back,
]
SENT = [
    pytest.param(ACCESS, id="the access cookie"),
    pytest.param(REFRESH, id="the refresh cookie"),
    pytest.param(None, id="both"),
]


@pytest.fixture(scope="module")
def ended_once(
    request: pytest.FixtureRequest, backing: Backing, prepared: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Story, Site]]:
    """A story in which the laptop's session has ended in one of the ways, and another node."""
    ending: Callable[[Story], None] = request.param
    with copied(backing, prepared, tmp_path_factory.mktemp("ended")) as folder, standing_still():
        site, other_node = Site(folder), Site(folder)
        story = begin(site)
        ending(story)
        yield story, other_node
        other_node.close()
        site.close()


@pytest.fixture
def ended(ended_once: tuple[Story, Site]) -> tuple[Story, Site]:
    """The same, at the time to which the story has come."""
    clock.follow(ended_once[0].site.folder / "clock")
    return ended_once


in_each_way = pytest.mark.parametrize(
    "ended_once", ENDINGS, ids=lambda ending: ending.__name__, indirect=True, scope="module"
)


@pytest.mark.question("Q3", "Q4")
@pytest.mark.parametrize("sent", SENT)
@in_each_way
def test_out_02_copied_cookies_are_worthless_once_the_session(sent: str | None, ended: tuple[Story, Site]) -> None:
    story, other_node = ended
    for node in (story.site, other_node):
        assert not node.thief(story.pocket, sent).is_signed_in()
    assert story.phone.is_signed_in()
    assert story.bob.is_signed_in()


@pytest.mark.question("Q3")
@in_each_way
def test_the_api_refuses_the_copied_access_token_once_the_session(ended: tuple[Story, Site]) -> None:
    story, other_node = ended
    for node in (story.site, other_node):
        answer = node.browser().api(story.pocket[ACCESS])
        assert answer.status_code == 401
        assert 'error="invalid_token"' in answer.headers["WWW-Authenticate"]


@pytest.mark.parametrize("sent", SENT)
def test_sign_out_everywhere_ends_all_of_one_person_and_none_of_another(
    sent: str | None, story: Story, other_node: Site
) -> None:
    pockets = [story.pocket, story.phone.pocket()]
    story.phone.post("/devices/end-all")
    for pocket in pockets:
        for node in (story.site, other_node):
            assert not node.thief(pocket, sent).is_signed_in()
    assert story.bob.is_signed_in()


def test_the_copied_cookies_did_work_before(story: Story, other_node: Site) -> None:
    for sent in (ACCESS, REFRESH, None):
        assert story.site.thief(story.pocket, sent).is_signed_in()
        assert other_node.thief(story.pocket, sent).is_signed_in()


@pytest.mark.question("A13")
def test_a_user_who_signs_in_again_in_the_second_of_signing_out_everywhere_is_not_refused(site: Site) -> None:
    ada = site.member()
    ada.post("/devices/end-all")
    ada.sign_in()
    assert ada.is_signed_in()
    assert ada.api(ada.pocket()[ACCESS]).status_code == 200


@pytest.mark.question("A10", "A16")
def test_every_access_token_of_a_session_ends_with_it_not_only_the_newest(site: Site) -> None:
    ada = site.member()
    tokens = [ada.pocket()[ACCESS]]
    for _ in range(3):
        ada.forget(ACCESS)
        ada.get("/account")
        tokens.append(ada.pocket()[ACCESS])
    assert len(set(tokens)) == 4
    ada.sign_out()
    assert [ada.api(token).status_code for token in tokens] == [401] * 4
