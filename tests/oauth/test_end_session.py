"""RP-initiated logout: an app asks, the person decides, and the browser goes back only where it is registered."""

from urllib.parse import urlencode, urlsplit

import jwt
import pytest
from werkzeug.test import TestResponse

from app import clock
from app.crypto.keys import access_keys
from tests.browsers import ENDING, SITE_URL, Browser, Site
from tests.oauth.conftest import App, alive, register_app
from tests.oauth.flow import Flow, led

BYE = "https://app.example/bye"
pytestmark = pytest.mark.page


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def web(site: Site) -> App:
    return register_app(site, "Web", post_logout_redirect_uris=[BYE, "https://app.example/later?x=1"])


def path(**given: str) -> str:
    return f"/oauth/end-session?{urlencode(given)}"


def asks(answer: TestResponse) -> bool:
    return answer.status_code == 200 and 'value="sign-out"' in answer.text


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize(
    "given", [{}, {"client_id": "nobody"}, {"post_logout_redirect_uri": "https://evil.example/"}], ids=str
)
def test_rpl_01_03_without_a_proof_of_the_caller_the_person_is_asked_and_nothing_is_ended(
    ada: Browser, method: str, given: dict[str, str]
) -> None:
    if method == "get":
        answer = ada.get(path(**given))
    else:
        led = ada.post("/oauth/end-session", {"Sec-Fetch-Site": "cross-site"}, **given)
        assert led.status_code == 303
        answer = ada.get(led.headers["Location"])
    assert asks(answer)
    assert "An app asks to sign you out" in answer.text
    assert ada.is_signed_in()
    assert ada.post(path(**given), decision="sign-out").headers["Location"] == "/signed-out"
    assert not ada.is_signed_in()


def test_rpl_04_05_a_user_who_agrees_is_signed_out_and_led_back_with_the_state(
    site: Site, ada: Browser, web: App
) -> None:
    tokens = Flow(web).connect(ada)
    asked = path(id_token_hint=tokens["id_token"], post_logout_redirect_uri=BYE, state="a&b ü")
    page = ada.get(asked)
    assert asks(page)
    assert "Web asks to sign you out" in page.text
    assert "form-action" not in page.headers["Content-Security-Policy"]
    old = site.thief(ada.pocket())
    answer = ada.post(asked, decision="sign-out")
    assert answer.headers["Location"].startswith(f"{BYE}?")
    assert led(answer) == {"state": "a&b ü"}
    assert not old.is_signed_in()
    assert ada.pocket() == {}
    assert not alive(web, tokens["access_token"])
    assert "You are signed out" in ada.get("/signed-out").text, "the receipt is there all the same"


@pytest.mark.parametrize(
    ("registered", "led_to"),
    [
        ("https://app.example/later?x=1", "https://app.example/later?x=1&state=s"),
        ("https://app.example/later?a=b+c%20d%7e", "https://app.example/later?a=b+c%20d%7e&state=s"),
        ("https://APP.example:443/%7Ebye?", "https://APP.example:443/%7Ebye?state=s"),
        ("com.example.app://", "com.example.app://?state=s"),
        ("com.example.app:///bye", "com.example.app:///bye?state=s"),
    ],
)
def test_rpl_04_an_address_comes_back_as_it_was_registered_letter_by_letter(
    site: Site, ada: Browser, registered: str, led_to: str
) -> None:
    app = register_app(site, "Web", post_logout_redirect_uris=[registered])
    asked = path(id_token_hint=Flow(app).connect(ada)["id_token"], post_logout_redirect_uri=registered)
    assert ada.post(f"{asked}&state=s", decision="sign-out").headers["Location"] == led_to
    assert ada.get(asked).headers["Location"] == registered, "without a state, nothing is added"


@pytest.mark.parametrize(
    "uri",
    [
        "https://app.example:443/bye",
        "https://APP.example/bye",
        f"{BYE}?x=1",
        f"{BYE}/",
        "https://evil.example/bye",
        "//evil",
        "javascript:alert(1)",
    ],
)
def test_rpl_04_an_address_that_is_not_registered_letter_by_letter_is_not_gone_to(
    ada: Browser, web: App, uri: str
) -> None:
    token = Flow(web).connect(ada)["id_token"]
    asked = path(id_token_hint=token, post_logout_redirect_uri=uri)
    assert "form-action 'self';" in ada.get(asked).headers["Content-Security-Policy"]
    assert ada.post(asked, decision="sign-out").headers["Location"] == "/signed-out"


def test_rpl_04_a_client_id_alone_proves_nothing_and_leads_nowhere(ada: Browser, web: App) -> None:
    asked = path(client_id=web.id, post_logout_redirect_uri=BYE)
    assert ada.post(asked, decision="sign-out").headers["Location"] == "/signed-out"
    ada.sign_out()
    assert ada.get(asked).status_code == 200


def test_rpl_02_a_hint_that_has_expired_or_whose_session_is_over_is_good(site: Site, ada: Browser, web: App) -> None:
    tokens = Flow(web).connect(ada)
    web.revoke(tokens["refresh_token"])
    site.wait(3600)
    assert "Web asks to sign you out" in ada.get(path(id_token_hint=tokens["id_token"])).text


@pytest.mark.parametrize("what", ["nonsense", "unsigned", "by the wrong key", "an access token", "another client's"])
def test_rpl_02_a_hint_that_is_not_ours_ends_and_redirects_nothing(
    site: Site, ada: Browser, web: App, what: str
) -> None:
    tokens = Flow(web).connect(ada)
    claims = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    with site.app.test_request_context(base_url=SITE_URL):
        key = access_keys().signing(clock.now())
        hints = {
            "nonsense": "x",
            "unsigned": jwt.encode(claims, None, "none"),
            "by the wrong key": jwt.encode(claims, key.private, "ES256", {"kid": key.kid}),
            "an access token": tokens["access_token"],
            "another client's": tokens["id_token"],
        }
    other = {"client_id": register_app(site, "Other").id} if what == "another client's" else {}
    asked = path(id_token_hint=hints[what], post_logout_redirect_uri=BYE, **other)
    for answer in (ada.get(asked), ada.post(asked, decision="sign-out")):
        assert (answer.status_code, "Location" in answer.headers) == (400, False)
        assert 'value="sign-out"' in answer.text, "to sign out is still offered"
    assert ada.is_signed_in()


def test_rpl_03_a_hint_about_another_user_is_reported(site: Site, ada: Browser, web: App) -> None:
    token = Flow(web).connect(ada)["id_token"]
    bob = site.member("bob@example.org")
    page = bob.get(path(id_token_hint=token, post_logout_redirect_uri=BYE))
    assert asks(page)
    assert "It means another account" in page.text
    assert "ada@example.org" not in page.text
    assert (ada.is_signed_in(), bob.is_signed_in()) == (True, True)


def test_rpl_06_a_user_who_is_not_signed_in_is_led_back_at_once(site: Site, ada: Browser, web: App) -> None:
    token = Flow(web).connect(ada)["id_token"]
    ada.sign_out()
    answer = ada.get(path(id_token_hint=token, post_logout_redirect_uri=BYE, state="s"))
    assert answer.headers["Location"] == f"{BYE}?state=s"
    assert "You are not signed in" in site.browser().get(path()).text


def test_another_sites_page_ends_nothing(site: Site, ada: Browser, web: App) -> None:
    """Its form comes without our cookies: that must not look like a visitor who is not signed in."""
    token = Flow(web).connect(ada)["id_token"]
    form = {"id_token_hint": token, "post_logout_redirect_uri": BYE, "decision": "sign-out"}
    answer = site.browser().post("/oauth/end-session", {"Sec-Fetch-Site": "cross-site"}, **form)
    assert urlsplit(answer.headers["Location"]).path == "/oauth/end-session"
    assert asks(ada.get(answer.headers["Location"]))
    assert ada.is_signed_in()
    assert asks(ada.get(path(id_token_hint=token), **{"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}))
    assert ada.is_signed_in()


def test_a_parameter_given_twice_makes_no_sense(ada: Browser, web: App) -> None:
    token = Flow(web).connect(ada)["id_token"]
    assert (
        ada.get(
            f"{path(id_token_hint=token)}&post_logout_redirect_uri={BYE}&post_logout_redirect_uri={BYE}"
        ).status_code
        == 400
    )


def test_sign_out_at_the_wish_of_an_app_is_made_up_for_where_the_store_is_down(
    site: Site, ada: Browser, web: App
) -> None:
    asked, pocket = path(id_token_hint=Flow(web).connect(ada)["id_token"], post_logout_redirect_uri=BYE), ada.pocket()
    control = site.browser().client
    control.post("/test/store", base_url=SITE_URL, json={"down": True})
    assert ada.get(asked).status_code == 503
    assert ada.pocket() == pocket, "to be asked is no wish"
    assert ada.post(asked, decision="sign-out").status_code == 503
    assert (ada.pocket(), bool(ada.cookie(ENDING))) == ({}, True)
    control.post("/test/store", base_url=SITE_URL, json={"down": False})
    ada.get("/")
    assert not site.thief(pocket).is_signed_in()


def test_rpl_02_an_id_token_is_good_as_a_hint_for_weeks_after_newer_keys(site: Site, ada: Browser, web: App) -> None:
    asked = path(id_token_hint=Flow(web).connect(ada)["id_token"], post_logout_redirect_uri=BYE)
    for _ in range(3):
        site.run("keys", "rotate")
        site.wait(2 * 24 * 60 * 60)
    assert ada.get(asked).headers["Location"] == BYE
