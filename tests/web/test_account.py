"""A change of the password."""

import pytest

from app.identity import password as passwords
from tests.browsers import PASSWORD, Browser, Site

pytestmark = pytest.mark.page

NEW = "nine quiet walruses"


@pytest.fixture
def laptop(site: Site) -> Browser:
    return site.member()


def change(browser: Browser, current: str = PASSWORD, new: str = NEW, **more: str) -> int:
    return browser.post("/account/password", current=current, password=new, **more).status_code


def test_the_new_password_works_and_the_old_one_no_more(laptop: Browser) -> None:
    assert change(laptop) == 303
    assert laptop.is_signed_in()
    laptop.sign_out()
    assert laptop.sign_in().status_code == 422
    assert laptop.sign_in(password=NEW).status_code == 303


@pytest.mark.parametrize("ends", [True, False])
def test_rt_11_the_others_end_if_so_wished(site: Site, laptop: Browser, ends: bool) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    change(laptop, **({"end_others": "y"} if ends else {}))
    assert phone.is_signed_in() is not ends


def test_it_needs_the_current_password(laptop: Browser) -> None:
    assert change(laptop, current="wrong wrong") == 422
    laptop.sign_out()
    assert laptop.sign_in().status_code == 303


def test_guessing_the_current_password_is_slowed_down(laptop: Browser) -> None:
    assert [change(laptop, current="wrong wrong") for _ in range(11)] == [422] * 10 + [429]


def test_the_new_password_must_be_good(laptop: Browser) -> None:
    assert change(laptop, new="password") == 422


def test_the_row_of_this_browser_stays_one_with_its_name(laptop: Browser) -> None:
    laptop.post(f"/devices/{laptop.session()['sid']}/name", name="Desk")
    change(laptop)
    assert [line["name"] for line in laptop.sessions()] == ["Desk"]


def test_a_change_that_began_before_another_change_is_refused(
    site: Site, laptop: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed = passwords.hash
    phone = site.browser("Chrome on Android")
    phone.sign_in()

    def slow(password: str) -> str:
        monkeypatch.setattr(passwords, "hash", hashed)
        assert change(phone, new="the winner of the race") == 303
        return hashed(password)

    monkeypatch.setattr(passwords, "hash", slow)
    assert change(laptop) == 422
    site.browser().sign_in(password=NEW)
    assert laptop.sign_in(password="the winner of the race").status_code == 303
