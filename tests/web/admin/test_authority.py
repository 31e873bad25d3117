"""Only administrators may administer; other users get 404."""

import pytest

from app.web.admin import authority
from tests.browsers import PASSWORD, Browser, Site
from tests.web.admin.conftest import person_id

pytestmark = pytest.mark.page

ACTS = ("end-all", "recover", "disable", "enable")


def answers(browser: Browser, page: str, sid: str) -> set[int]:
    """What the browser is answered at every address."""
    read = [browser.get(path) for path in ("/admin", "/admin?q=ada", page)]
    written = [browser.post(f"{page}/{act}") for act in (*ACTS, f"sessions/{sid}/end")]
    return {answer.status_code for answer in (*read, *written)}


def browser_of(site: Site, who: str) -> Browser:
    browser = site.browser() if who == "a visitor" else site.member("bob@example.org")
    if who in ("a former administrator", "an administrator whose account is closed"):
        site.run("users", "admin", "bob@example.org")
        assert browser.get("/admin").status_code == 200
    if who == "a former administrator":
        site.run("users", "admin", "bob@example.org", "--remove")
    if who == "an administrator whose account is closed":
        site.run("users", "disable", "bob@example.org")
    return browser


@pytest.mark.parametrize(
    "who", ["a visitor", "a person", "a former administrator", "an administrator whose account is closed"]
)
def test_every_other_user_gets_404(site: Site, ada: Browser, page: str, who: str) -> None:
    browser = browser_of(site, who)
    assert answers(browser, page, ada.session()["sid"]) == {404}
    assert ada.is_signed_in()
    assert "administrator" not in ada.get("/activity").text


def test_a_copy_of_an_administrators_old_cookies_opens_nothing(
    site: Site, root: Browser, ada: Browser, page: str
) -> None:
    thief = site.thief(root.pocket())
    assert thief.get("/admin").status_code == 200
    root.sign_out()
    assert answers(thief, page, ada.session()["sid"]) == {404}


def test_only_an_administrator_acts_by_way_of_a_confirmation(site: Site, ada: Browser, page: str) -> None:
    bob = site.member("bob@example.org")
    action = f"admin:all:{person_id(site)}:"
    assert bob.get(f"/confirm?action={action}").status_code == 404
    assert bob.post("/confirm", action=action, password=PASSWORD).status_code == 404
    assert ada.is_signed_in()


@pytest.mark.page
def test_the_link_is_there_for_administrators(root: Browser, ada: Browser) -> None:
    assert 'href="/admin"' in root.get("/").text
    assert 'href="/admin"' not in ada.get("/").text


def test_a_user_who_is_not_here_is_not_found(site: Site, root: Browser, ada: Browser, page: str) -> None:
    sid = ada.session()["sid"]
    assert answers(root, "/admin/people/nobody", sid) == {200, 404}
    bob = f"/admin/people/{person_id(site, 'root@example.org')}"
    assert root.post(f"{bob}/sessions/{sid}/end").status_code == 404, "another user's"
    assert root.post(f"{page}/sessions/nothing/end").status_code == 404
    assert root.get(f"/confirm?action=admin:dance:{person_id(site)}:").status_code == 400
    assert ada.is_signed_in()


@pytest.mark.parametrize("act", ACTS)
def test_a_user_who_is_no_administrator_any_more_when_it_comes_to_acting_does_nothing(
    site: Site, root: Browser, ada: Browser, page: str, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    meanwhile(site, monkeypatch, "users", "admin", "root@example.org", "--remove")
    assert root.post(f"{page}/{act}").status_code == 404
    assert ada.is_signed_in()


@pytest.mark.parametrize("act", ACTS)
def test_whose_session_was_ended_when_it_comes_to_acting_does_nothing(
    site: Site, root: Browser, ada: Browser, page: str, monkeypatch: pytest.MonkeyPatch, act: str
) -> None:
    meanwhile(site, monkeypatch, "sessions", "end", "root@example.org")
    assert "/sign-in" in root.post(f"{page}/{act}").headers["Location"]
    assert ada.is_signed_in()
    assert "administrator" not in ada.get("/activity").text


def meanwhile(site: Site, monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    """Have the operator do this after the request was let in, and before it acts."""
    genuine = authority.acting_on

    def late(user_id: str) -> object:
        site.run(*words)
        return genuine(user_id)

    monkeypatch.setattr(authority, "acting_on", late)


def test_one_administrator_can_shut_out_another(site: Site, root: Browser, ada: Browser, page: str) -> None:
    eve = site.member("eve@example.org")
    site.run("users", "admin", "eve@example.org")
    root.post(f"/admin/people/{person_id(site, 'eve@example.org')}/disable")
    assert answers(eve, page, ada.session()["sid"]) == {404}
    eve.sign_in("eve@example.org")
    assert not eve.is_signed_in()


def test_nothing_is_done_to_an_account_by_itself(site: Site, root: Browser) -> None:
    own = f"/admin/people/{person_id(site, 'root@example.org')}"
    for act in (*ACTS, f"sessions/{root.session()['sid']}/end"):
        answer = root.post(f"{own}/{act}")
        assert "done=own" in answer.headers["Location"]
    assert "This is your own account" in root.get(own).text
    assert "Close the account" not in root.get(own).text
    assert root.is_signed_in()
    assert site.query("SELECT disabled_at FROM users") == [(None,)]
