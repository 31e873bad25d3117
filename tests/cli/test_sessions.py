"""The sessions of a person are listed and ended from a shell."""

from tests.browsers import ACCESS, Browser, Site
from tests.oauth.conftest import alive, register, register_app
from tests.oauth.flow import Flow


def test_sessions_of_a_person_are_listed_and_ended_on_every_node(site: Site, other_node: Site, ada: Browser) -> None:
    sid = ada.session()["sid"]
    assert sid in site.run("sessions", "list", "ada@example.org").output
    token = ada.pocket()[ACCESS]
    assert other_node.browser().api(token).status_code == 200
    assert site.run("sessions", "end", "ADA@example.org", "--sid", sid).output == "1 ended.\n"
    assert other_node.browser().api(token).status_code == 401
    assert not ada.is_signed_in()
    assert site.run("sessions", "list", "ada@example.org").output == ""


def test_all_of_them_can_be_ended_together(site: Site, ada: Browser) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    assert site.run("sessions", "end", "ada@example.org").output == "2 ended.\n"
    assert not ada.is_signed_in()
    assert not phone.is_signed_in()


def test_another_persons_session_is_not_ended(site: Site, ada: Browser) -> None:
    bob = site.member("bob@example.org")
    done = site.run("sessions", "end", "ada@example.org", "--sid", bob.session()["sid"])
    assert done.exit_code == 1
    assert bob.is_signed_in()
    assert ada.is_signed_in()


def test_an_unknown_user_is_reported(site: Site) -> None:
    for words in (
        ["sessions", "list"],
        ["sessions", "end"],
        ["users", "disable"],
        ["users", "enable"],
        ["users", "admin"],
    ):
        assert site.run(*words, "nobody@example.org").exit_code == 1


def test_apps_are_listed_by_name_and_ended_too(site: Site, ada: Browser) -> None:
    mail = register(site, "Mail")
    access, refresh = mail.grant()
    [line] = [line for line in site.run("sessions", "list", "ada@example.org").output.splitlines() if "Mail" in line]
    site.run("sessions", "end", "ada@example.org", "--sid", line.split()[0])
    assert not alive(mail, access)
    assert mail.refresh(refresh).status_code == 400
    assert ada.is_signed_in()


def test_an_app_that_is_ended_has_to_ask_again(site: Site, ada: Browser) -> None:
    photos = register_app(site, "Photos")
    Flow(photos, "openid").connect(ada)
    [sid] = [line["sid"] for line in ada.sessions() if line["app"] == "Photos"]
    assert site.query("SELECT client_id FROM consents") == [(photos.id,)]
    assert site.run("sessions", "end", "ada@example.org", "--sid", sid).output == "1 ended.\n"
    assert site.query("SELECT client_id FROM consents") == []
    assert "0 ended" in site.run("sessions", "end", "ada@example.org", "--sid", sid).output


def test_it_says_that_an_administrator_did_it(site: Site, ada: Browser) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    site.run("sessions", "end", "ada@example.org", "--sid", phone.session()["sid"])
    assert "ended by an administrator" in ada.get("/devices").text
    assert "An administrator ended this session" in ada.get("/activity").text
    site.run("sessions", "end", "ada@example.org")
    assert not ada.is_signed_in()
    ada.sign_in()
    assert "An administrator ended all sessions" in ada.get("/activity").text
