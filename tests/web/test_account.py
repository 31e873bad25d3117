"""A change of the password."""

import re
from concurrent.futures import ThreadPoolExecutor
from html import unescape

import pytest
from argon2 import PasswordHasher
from sqlalchemy import update

from app.identity import passwords
from app.identity.users import User
from app.store.db import db, writing
from tests.browsers import PASSWORD, Browser, Site
from tests.oauth.conftest import App, alive, web
from tests.oauth.flow import Flow

pytestmark = pytest.mark.page

__all__ = ["web"]  # a fixture
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


@pytest.mark.parametrize(
    "new", ["password", "short77", "ada@example.org", "Ada@Example.org", PASSWORD, "nine\x07walruses", "x y" * 50]
)
def test_the_new_password_must_be_good_by_the_rules_of_the_sign_up_page(laptop: Browser, new: str) -> None:
    assert change(laptop, new=new) == 422
    laptop.sign_out()
    assert laptop.sign_in().status_code == 303


def test_the_present_password_in_another_spelling_is_no_new_one(laptop: Browser) -> None:
    assert change(laptop, new=PASSWORD.replace(" ", "\u00a0")) == 422


OF_OLD = "Zoe\u0308\u3000signs out"  # as it was typed, and hashed, before there was one spelling


@pytest.fixture
def of_old(site: Site, laptop: Browser) -> str:
    hashed = PasswordHasher.from_parameters(passwords.PARAMETERS).hash(OF_OLD)
    with site.app.app_context(), writing():
        db.session.execute(update(User).values(password_hash=hashed))
    return hashed


def password_hash(site: Site) -> str:
    [(found,)] = site.query("SELECT password_hash FROM users")
    return str(found)


@pytest.mark.parametrize("where", ["sign-in", "confirm", "password"])
def test_a_password_that_was_hashed_as_typed_works_wherever_it_is_asked_for_and_then_in_its_one_spelling(
    site: Site, laptop: Browser, of_old: str, where: str
) -> None:
    assert laptop.sign_in(password="Zo\u00eb signs out").status_code == 422
    if where == "sign-in":
        assert laptop.sign_in(password=OF_OLD).status_code == 303
    elif where == "confirm":
        assert laptop.post("/confirm", password=OF_OLD).status_code == 303
    else:
        assert change(laptop, current=OF_OLD, new="password") == 422
        assert change(laptop, current=OF_OLD, new=NEW) == 303
        return
    assert password_hash(site) != of_old
    assert laptop.is_signed_in()
    assert site.browser().sign_in(password="Zo\u00eb signs out").status_code == 303


def test_a_user_who_signs_in_as_of_old_while_the_password_is_changed_stays_out(
    site: Site, laptop: Browser, of_old: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    check = passwords.check
    thief = site.browser()

    def slowly(hashed: str | None, password: str) -> str | None:
        found = check(hashed, password)
        monkeypatch.setattr(passwords, "check", check)
        with ThreadPoolExecutor(1) as meanwhile:
            assert meanwhile.submit(change, laptop, current=OF_OLD, new=NEW).result() == 303
        return found

    monkeypatch.setattr(passwords, "check", slowly)
    assert thief.sign_in(password=OF_OLD).status_code == 422
    assert not thief.is_signed_in()
    assert site.browser().sign_in(password=NEW).status_code == 303


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


def words(browser: Browser, path: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", browser.get(path).text)).split())


def test_to_its_owner_the_session_is_the_same_after_a_change_and_after_another(site: Site, laptop: Browser) -> None:
    laptop.post(f"/devices/{laptop.session()['sid']}/name", name="Desk")
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    laptop.post(f"/devices/{phone.session()['sid']}/end")
    site.wait(2 * 60 * 60)
    before, copied = laptop.sessions(), laptop.pocket()
    history = words(laptop, "/activity").count("this browser")
    for number in range(2):
        assert change(laptop, current=f"{NEW}{number - 1}" if number else PASSWORD, new=f"{NEW}{number}") == 303
        after = laptop.sessions()
        kept = ("name", "browser", "began_at", "current")
        assert [[line[key] for key in kept] for line in after] == [[line[key] for key in kept] for line in before]
        assert words(laptop, "/activity").count("this browser") == history + number + 1
        assert "from this browser" in words(laptop, "/devices")
        assert not site.thief(copied).is_signed_in()
        site.wait(60)
        copied = laptop.pocket()
    assert "signed in 2 hours ago" in words(laptop, "/devices")


def test_a_step_up_keeps_the_row_with_all_that_is_in_it(site: Site, laptop: Browser) -> None:
    laptop.post(f"/devices/{laptop.session()['sid']}/name", name="Desk")
    site.wait(2 * 60 * 60)
    laptop.is_signed_in()
    before = laptop.session()
    assert laptop.post("/confirm", password=PASSWORD, next="/devices").status_code == 303
    assert laptop.session() == before
    assert [line["current"] for line in laptop.sessions()] == [True]


def test_apps_that_a_copy_let_in_end_with_the_old_tokens(site: Site, laptop: Browser, web: App) -> None:
    tokens = Flow(web).connect(site.thief(laptop.pocket()))
    assert change(laptop) == 303
    assert not alive(web, tokens["access_token"])
    assert web.refresh(tokens["refresh_token"]).status_code == 400


def test_a_change_settles_a_warning_and_the_stranger_is_new_again(site: Site, laptop: Browser) -> None:
    copied = laptop.pocket()
    site.thief(copied).get("/account")
    assert "was used from a new place" in laptop.get("/devices").text
    change(laptop)
    assert "was used from a new place" not in laptop.get("/devices").text
    site.thief(laptop.pocket()).get("/account")
    assert "was used from a new place" in laptop.get("/devices").text


def test_places_that_were_never_in_question_stay_known(site: Site, laptop: Browser) -> None:
    train = site.browser(address="198.51.100.9")
    for name, value in laptop.pocket().items():
        train.client.set_cookie(name, value)
    train.get("/account")
    change(laptop)
    for name, value in laptop.pocket().items():
        train.client.set_cookie(name, value)
    train.get("/account")
    assert words(laptop, "/activity").count("Used from another network") == 1
