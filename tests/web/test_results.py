"""A page says first in its title what became of the last act, and the words about it have the focus."""

import re

import pytest

from tests.browsers import Browser, Site, form

pytestmark = pytest.mark.page
FOCUSED = re.compile(r'<(?:p|div) class="notice"[^>]* role="status" tabindex="-1" autofocus')


def title(page: str) -> str:
    [found] = re.findall(r"<title>(.*?) · Signed Out</title>", page)
    return str(found)


@pytest.mark.parametrize("path", ["/sign-up", "/sign-in", "/recover", "/sign-up/passkey"])
def test_a_visitors_form_that_is_wrong_is_not_yet_done(site: Site, path: str) -> None:
    visitor = site.browser()
    before = title(visitor.get(path).text)
    assert title(visitor.post(path, email="").text) == f"Not yet: {before}"


@pytest.mark.parametrize(
    "path", ["/account/password", "/account/name", "/account/email", "/confirm", "/account/authenticator"]
)
def test_a_members_form_that_is_wrong_is_not_yet_done(site: Site, path: str) -> None:
    ada = site.member()
    before = title(ada.get(path).text)
    assert title(ada.post(path, name=" ", email="no address").text) == f"Not yet: {before}"


def test_a_form_of_the_lab_that_is_wrong_is_not_yet_done(site: Site) -> None:
    visitor = site.browser()
    assert title(visitor.post("/lab/rooms", name="").text) == "Not yet: A workshop"
    assert title(visitor.get("/lab/rooms?code=nothing").text) == "Not yet: A workshop"


def test_a_name_that_a_device_cannot_have_is_not_yet_done(site: Site) -> None:
    ada = site.member()
    answer = ada.post(f"/devices/{ada.session()['sid']}/name", name="x" * 500)
    assert title(answer.text) == "Not yet: Where you are signed in"


def test_what_was_done_is_in_the_title_and_has_the_focus(site: Site) -> None:
    ada, phone = site.member(), site.browser("Chrome on Android")
    phone.sign_in()
    for path, fields in (
        ("/account/name", form(ada, "/account/name", name="Ada L")),
        (f"/devices/{ada.session()['sid']}/name", {"name": "Desk"}),
        ("/devices/end-others", {}),
        ("/account/email/verify", {}),
    ):
        answer = follow(ada, ada.post(path, **fields).location)
        assert title(answer).startswith("Done: "), path
        assert len(FOCUSED.findall(answer)) == 1, path


def test_an_address_that_claims_a_result_has_none(site: Site) -> None:
    ada = site.member()
    for path in (
        "/account?done=name",
        "/devices?done=ended&sid=none",
        "/account/passkeys?done=added",
        "/lab/rooms?done=x",
    ):
        page = ada.get(path).text
        assert not title(page).startswith("Done"), path
        assert not FOCUSED.search(page), path


def follow(browser: Browser, address: str) -> str:
    return str(browser.get(address.partition("#")[0]).text)
