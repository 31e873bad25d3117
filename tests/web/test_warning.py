"""A warned user reads what changed, and answers: end it, or "It was me"; a thief cannot answer for the owner."""

import re

import pytest

from tests.browsers import AGENTS, PASSWORD, REFRESH, Browser, Site, words

pytestmark = pytest.mark.page
HOUR = 60 * 60


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def phone(site: Site, ada: Browser) -> Browser:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    return phone


@pytest.fixture
def thief(site: Site, ada: Browser) -> Browser:
    """A thief with a copy of both of Ada's cookies, in another browser elsewhere, who has looked at one page."""
    thief = site.thief(ada.pocket())
    assert thief.is_signed_in()
    return thief


def home(browser: Browser) -> str:
    return words(browser.get("/").text)


def warned(browser: Browser) -> bool:
    found = "was used from a new place." in home(browser)
    assert ("was used from a new place." in words(browser.get("/devices").text)) == found
    return found


def seen(browser: Browser) -> str:
    """What the button "It was me" sends along."""
    found = re.search(r'name="seen" value="(\d+)"', browser.get("/devices").text)
    assert found
    return found[1]


def say_it_was_me(browser: Browser, sid: str, until: str) -> str:
    return browser.post(f"/devices/{sid}/mine", seen=until).headers["Location"]


def test_only_the_persons_browsers_read_what_changed_and_each_of_them_does(
    site: Site, ada: Browser, phone: Browser, thief: Browser
) -> None:
    for browser in (ada, phone, thief):
        assert "From another browser and network: Safari on macOS, 203.0.113.66, just now" in home(browser)
        assert warned(browser)
    assert "This session was used from a new place." in home(ada)
    assert "Firefox on Linux was used from a new place." in home(phone)
    assert not warned(site.member("bob@example.org"))


def test_where_nothing_is_new_no_user_is_warned(ada: Browser, phone: Browser) -> None:
    assert not warned(ada)
    assert not warned(phone)


def test_a_network_alone_is_noted_in_the_activity_and_brings_no_warning(site: Site, ada: Browser) -> None:
    train = site.browser(address="198.51.100.9")
    for name, value in ada.pocket().items():
        train.client.set_cookie(name, value)
    assert not warned(train)
    assert "Used from another network Firefox on Linux, 198.51.100.9" in words(ada.get("/activity").text)


def test_the_activity_names_the_browser_and_the_address_that_came(ada: Browser, thief: Browser) -> None:
    line = "Used from another browser and network: you were warned Safari on macOS, 203.0.113.66"
    assert line in words(ada.get("/activity").text)


def test_its_owner_ends_it_from_another_browser(ada: Browser, phone: Browser, thief: Browser) -> None:
    sid = ada.session()["sid"]
    assert phone.post(f"/devices/{sid}/end").status_code == 303
    assert [one.is_signed_in() for one in (ada, thief, phone)] == [False, False, True]
    assert not warned(phone)


def test_its_owner_says_it_was_me_and_the_warning_is_gone_everywhere(
    site: Site, ada: Browser, phone: Browser, thief: Browser
) -> None:
    sid, until = ada.session()["sid"], seen(phone)
    asked = say_it_was_me(phone, sid, until)
    assert asked == f"/confirm?action=mine:{sid}:{until}"
    assert "Say that it was you who used" in words(phone.get(asked).text)
    done = phone.post("/confirm", action=f"mine:{sid}:{until}", password=PASSWORD).headers["Location"]
    assert "Noted: it was you." in words(phone.get(done).text)
    assert not warned(ada)
    assert not warned(phone)
    assert not warned(thief)
    assert "You confirmed a use from a new place" in words(ada.get("/activity").text)


def test_a_thief_cannot_answer_for_the_owner_even_right_after_the_sign_in(ada: Browser, thief: Browser) -> None:
    sid, until = ada.session()["sid"], seen(thief)
    assert say_it_was_me(thief, sid, until).startswith("/confirm?action=mine:")
    assert thief.post("/confirm", action=f"mine:{sid}:{until}", password="a guess").status_code == 422
    assert warned(ada)


def test_a_thief_with_the_cookies_of_every_browser_cannot_answer_for_the_owner(
    site: Site, ada: Browser, phone: Browser, thief: Browser
) -> None:
    other = site.thief(phone.pocket())
    assert say_it_was_me(other, ada.session()["sid"], seen(thief)).startswith("/confirm?")
    assert warned(ada)


def test_a_user_who_gave_the_password_after_the_warning_is_not_asked_again(
    site: Site, ada: Browser, thief: Browser
) -> None:
    sid, until = ada.session()["sid"], seen(ada)
    site.wait(30)
    ada.post("/confirm", action="others", password=PASSWORD)
    assert say_it_was_me(ada, sid, until).startswith("/devices?done=answered")
    assert not warned(ada)


def test_the_row_keeps_the_browser_that_signed_in_until_its_owner_says_it_was_me(
    site: Site, ada: Browser, phone: Browser
) -> None:
    sid, tablet = ada.session()["sid"], site.browser("Chrome on Android", address="203.0.113.66")

    def row() -> tuple[str, str, str]:
        found = next(line for line in phone.sessions() if line["sid"] == sid)
        page = phone.get("/devices").text
        icon = page[page.index(f'id="session-{sid}"') :].partition("<h2>")
        return (
            found["browser"],
            found["os"],
            "phone" if 'rx="2" />' in icon[0] and 'd="M11 18.5h2"' in icon[0] else "desktop",
        )

    signed_in = row()
    assert signed_in == ("Firefox", "Linux", "desktop")
    for cookies in (None, REFRESH):
        site.wait(301)  # so the use renews the tokens, and is written
        assert ada.is_signed_in()
        for name, value in ada.pocket().items():
            if cookies in (None, name):
                tablet.client.set_cookie(name, value)
        site.wait(61)
        assert tablet.is_signed_in()
        assert row() == signed_in
    until = seen(phone)
    phone.post("/confirm", action=f"mine:{sid}:{until}", password=PASSWORD)
    assert row() == ("Chrome", "Android", "phone")


def test_a_copy_that_says_nothing_of_its_browser_is_not_shown_as_the_owners(ada: Browser) -> None:
    ada.get("/account", **{"User-Agent": ""})
    assert "From another browser: Unknown browser, 127.0.0.1" in home(ada)
    assert "Used from another browser: you were warned Unknown browser, 127.0.0.1" in words(ada.get("/activity").text)


def test_a_newer_version_of_the_same_browser_is_no_other(site: Site, ada: Browser) -> None:
    site.wait(61)
    newer = AGENTS["Firefox on Linux"].replace("145.0", "146.0")
    assert ada.get("/account", **{"User-Agent": newer}).status_code == 200
    assert site.query("SELECT user_agent FROM sessions") == [(newer,)]
    assert not warned(ada)


def test_what_came_after_the_page_was_read_still_stands(site: Site, ada: Browser, thief: Browser) -> None:
    sid, until = ada.session()["sid"], seen(ada)
    ada_again = site.browser("Chrome on Android", address="192.0.2.9")
    for name, value in ada.pocket().items():
        ada_again.client.set_cookie(name, value)
    ada_again.get("/account")
    done = ada.post("/confirm", action=f"mine:{sid}:{until}", password=PASSWORD).headers["Location"]
    page = words(ada.get(done).text)
    assert "Chrome on Android, 192.0.2.9" in page
    assert "Safari on macOS, 203.0.113.66, just now" not in page
    assert "Noted: it was you." not in page
    assert warned(ada)
    assert seen(ada) > until


def test_what_was_answered_for_one_session_does_not_come_back_with_what_stands_for_another(
    site: Site, ada: Browser, phone: Browser, thief: Browser
) -> None:
    sid = phone.session()["sid"]
    site.thief(phone.pocket()).get("/account")
    phone.post("/confirm", action=f"mine:{sid}:{seen_last(phone)}", password=PASSWORD)
    phone.get("/account", **{"User-Agent": AGENTS["Firefox on Linux"]})
    page = home(ada)
    assert page.count("From another browser and network: Safari on macOS, 203.0.113.66") == 1
    assert page.count("From another browser: Firefox on Linux, 127.0.0.1") == 1


@pytest.mark.parametrize("until", ["", "x", "-1", "9" * 5000, "1" * 30])
def test_an_answer_to_nothing_changes_nothing(site: Site, ada: Browser, until: str) -> None:
    sid = ada.session()["sid"]
    assert ada.post(f"/devices/{sid}/mine", seen=until).headers["Location"].startswith("/devices?done=answered")
    assert ada.post("/confirm", action=f"mine:{sid}:{until}", password=PASSWORD).status_code == 303
    assert "said to be yours" not in ada.get("/activity").text


@pytest.mark.parametrize("until", ["", "0", "x", "-1"])
def test_an_answer_that_saw_no_warning_changes_nothing(ada: Browser, thief: Browser, until: str) -> None:
    ada.post("/confirm", action=f"mine:{ada.session()['sid']}:{until}", password=PASSWORD)
    assert warned(ada)


def test_another_persons_warning_does_not_exist(site: Site, ada: Browser, thief: Browser) -> None:
    bob = site.member("bob@example.org")
    sid, until = ada.session()["sid"], seen(ada)
    assert bob.post(f"/devices/{sid}/mine", seen=until).status_code == 404
    assert bob.get(f"/confirm?action=mine:{sid}:{until}").status_code == 404
    assert bob.post("/confirm", action=f"mine:{sid}:{until}", password=PASSWORD).status_code == 404
    assert warned(ada)


def test_another_site_cannot_answer(ada: Browser, thief: Browser) -> None:
    answer = ada.post(f"/devices/{ada.session()['sid']}/mine", {"Origin": "https://evil.example"}, seen=seen(ada))
    assert answer.status_code == 403
    assert warned(ada)


def test_an_answer_to_a_session_that_has_ended_meanwhile_is_no_error(
    site: Site, ada: Browser, phone: Browser, thief: Browser
) -> None:
    sid, until = ada.session()["sid"], seen(phone)
    ada.sign_out()
    done = phone.post("/confirm", action=f"mine:{sid}:{until}", password=PASSWORD).headers["Location"]
    assert "Noted: it was you." not in words(phone.get(done).text)
    assert "said to be yours" not in phone.get("/activity").text


def test_the_address_alone_shows_no_answer(ada: Browser, thief: Browser) -> None:
    sid = ada.session()["sid"]
    assert "Noted: it was you." not in words(ada.get(f"/devices?done=answered&sid={sid}").text)


def test_a_browser_beyond_those_remembered_warns_again_after_each_answer(ada: Browser) -> None:
    sid = ada.session()["sid"]
    for _ in range(2):
        for number in range(30):
            ada.get("/account", **{"User-Agent": f"Crawler{number}bot/1.0"})
        ada.post("/confirm", action=f"mine:{sid}:{seen_last(ada)}", password=PASSWORD)
    assert not warned(ada)
    ada.get("/account", **{"User-Agent": "Crawler29bot/1.0"})
    assert warned(ada)


def seen_last(browser: Browser) -> str:
    return max(re.findall(r'name="seen" value="(\d+)"', browser.get("/").text), key=int)


def test_markup_in_what_a_browser_calls_itself_is_text_in_a_warning_too(site: Site, ada: Browser) -> None:
    ada.get("/account", **{"User-Agent": "<i>mark</i>bot/1.0"})
    assert warned(ada)
    for path in ("/", "/devices", "/activity"):
        assert "<i>mark" not in ada.get(path).text


def test_home_shows_a_few_of_many_warned_sessions(site: Site, ada: Browser) -> None:
    for _ in range(6):
        other = site.browser("Chrome on Android")
        other.sign_in()
        site.thief(other.pocket()).get("/account")
    page = home(ada)
    assert page.count("was used from a new place.") == 3
    assert "3 more sessions were used from new places" in page
