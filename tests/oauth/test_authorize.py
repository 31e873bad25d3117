"""The authorization endpoint: which clients may ask, what is asked, and where the browser is led back to."""

import re
from html import unescape
from urllib.parse import parse_qs, quote_plus, urlencode, urlsplit

import jwt
import pytest
from werkzeug.test import TestResponse

from app.serving.reading import MOST_LINE
from app.web.next_page import LONGEST_ADDRESS
from tests.browsers import ACCESS, PASSWORD, SITE_URL, Browser, Site, form
from tests.oauth.conftest import App, alive, register_app
from tests.oauth.flow import CALLBACK, Flow, is_led_back, led

pytestmark = pytest.mark.page


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def asks(ada: Browser, flow: Flow, **changed: str | None) -> bool:
    """Whether the person is asked to decide."""
    answer = ada.get(flow.path(**changed))
    return answer.status_code == 200 and 'value="allow"' in answer.text


def test_aut_03_a_user_who_allows_is_led_back_with_a_code_the_state_and_the_issuer(ada: Browser, web: App) -> None:
    flow = Flow(web)
    assert asks(ada, flow)
    answer = flow.decide(ada, "allow")
    assert answer.headers["Location"].startswith(f"{CALLBACK}?")
    assert set(led(answer)) == {"code", "state", "iss"}
    assert (led(answer)["state"], led(answer)["iss"]) == (flow.state, SITE_URL)


def test_aut_03_a_user_who_denies_is_led_back_with_an_error_the_state_and_the_issuer(ada: Browser, web: App) -> None:
    flow = Flow(web)
    assert led(flow.decide(ada, "deny")) == {"error": "access_denied", "state": flow.state, "iss": SITE_URL}


@pytest.mark.parametrize("state", ["a b&c=d#e", "ü", "'\"<>", "x" * 500])
def test_aut_11_the_state_comes_back_as_it_was(ada: Browser, web: App, state: str) -> None:
    assert led(Flow(web, state=state).decide(ada, "allow"))["state"] == state
    assert led(Flow(web, state=state).decide(ada, "deny"))["state"] == state


def test_bba_07_no_token_is_ever_in_an_address(ada: Browser, web: App) -> None:
    location = Flow(web).decide(ada, "allow").headers["Location"]
    assert "token" not in location
    assert "#" not in location


WRONG_URIS = [
    f"{CALLBACK}/",
    f"{CALLBACK}?x=1",
    "https://APP.example/callback",
    "https://app.example/%63allback",
    "https://app.example:443/callback",
    "https://app.example.evil.example/callback",
    "https://app.example@evil.example/callback",
    "http://app.example/callback",
    "https://app.example/callback#",
    "https://app.example/a/../callback",
    "//app.example/callback",
    "javascript:alert(1)",
    "",
]


@pytest.mark.parametrize("uri", WRONG_URIS)
@pytest.mark.parametrize("more", [{}, {"prompt": "none"}, {"response_type": "token"}])
def test_aut_01_02_an_address_that_is_not_registered_letter_by_letter_leads_nowhere(
    ada: Browser, site: Site, uri: str, more: dict[str, str]
) -> None:
    app = register_app(site, "Two", redirect_uris=[CALLBACK, "https://app.example/other"])
    answer = ada.get(Flow(app).path(redirect_uri=uri, **more))
    assert (answer.status_code, "Location" in answer.headers) == (400, False)
    assert "This app is not known here" in answer.text


@pytest.mark.parametrize("client_id", [None, "", "nobody", "signed-out", "\x00", "x" * 300])
def test_aut_02_a_client_that_is_not_registered_leads_nowhere(ada: Browser, web: App, client_id: str | None) -> None:
    answer = ada.get(Flow(web).path(client_id=client_id))
    assert (answer.status_code, "Location" in answer.headers) == (400, False)


def test_aut_01_only_the_port_of_a_loopback_address_is_the_apps_to_choose(ada: Browser, site: Site) -> None:
    app = register_app(site, "Tool", public=True, redirect_uris=["http://127.0.0.1/cb", "http://[::1]:80/cb"])
    for uri in ("http://127.0.0.1:51004/cb", "http://127.0.0.1/cb", "http://[::1]:4/cb"):
        assert asks(ada, Flow(app), redirect_uri=uri), uri
    for uri in ("http://127.0.0.1:51004/", "http://127.0.0.2:5/cb", "https://127.0.0.1:5/cb", "http://localhost:5/cb"):
        assert ada.get(Flow(app).path(redirect_uri=uri)).status_code == 400, uri


# What is registered, what the app asks for, and what the answer begins with: the same, and the mark that is missing.
AS_REGISTERED = [
    ("https://app.example", None, "https://app.example?code="),
    ("https://app.example/", None, "https://app.example/?code="),
    ("https://app.example/cb", None, "https://app.example/cb?code="),
    ("https://app.example/cb?", None, "https://app.example/cb?code="),
    ("https://app.example/cb?x", None, "https://app.example/cb?x&code="),
    ("https://app.example/cb?x=", None, "https://app.example/cb?x=&code="),
    ("https://app.example/cb?x=1", None, "https://app.example/cb?x=1&code="),
    ("https://app.example/cb?x=1&", None, "https://app.example/cb?x=1&code="),
    ("https://app.example/cb?x=1&x=2", None, "https://app.example/cb?x=1&x=2&code="),
    ("https://app.example/cb?a=b+c%20d%7e%2f", None, "https://app.example/cb?a=b+c%20d%7e%2f&code="),
    ("https://app.example/cb?to=https://x.example/?y=1;z", None, "https://app.example/cb?to=https://x.example/?y=1;z&code="),
    ("https://app.example/cb?a=%FF", None, "https://app.example/cb?a=%FF&code="),
    ("https://app.example/%7Ecb/./../x", None, "https://app.example/%7Ecb/./../x?code="),
    ("https://APP.example:443/cb", None, "https://APP.example:443/cb?code="),
    ("https://app.example/cb?x[]=1&[y]", None, "https://app.example/cb?x[]=1&[y]&code="),
    ("https://app.example/!$&'()*+,;=:@~[]/?/?:@", None, "https://app.example/!$&'()*+,;=:@~[]/?/?:@&code="),
    ("https://app.example//cb", None, "https://app.example//cb?code="),
    ("com.example.app:", None, "com.example.app:?code="),
    ("com.example.app:/", None, "com.example.app:/?code="),
    ("com.example.app:/cb", None, "com.example.app:/cb?code="),
    ("com.example.app://", None, "com.example.app://?code="),
    ("com.example.app://cb", None, "com.example.app://cb?code="),
    ("com.example.app:///cb?x=1", None, "com.example.app:///cb?x=1&code="),
    ("Com.Example.App:/cb", None, "Com.Example.App:/cb?code="),
    ("http://127.0.0.1/cb", "http://127.0.0.1:4000/cb", "http://127.0.0.1:4000/cb?code="),
    ("http://127.0.0.1/cb?", "http://127.0.0.1:4000/cb?", "http://127.0.0.1:4000/cb?code="),
    ("http://127.0.0.1:80?x=%2f", "http://127.0.0.1:65535?x=%2f", "http://127.0.0.1:65535?x=%2f&code="),
    ("http://[::1]", "http://[::1]:1", "http://[::1]:1?code="),
]  # fmt: skip


@pytest.mark.parametrize(("registered", "asked", "begins"), AS_REGISTERED, ids=[row[0] for row in AS_REGISTERED])
def test_aut_01_an_address_comes_back_as_it_was_registered_letter_by_letter(
    ada: Browser, site: Site, registered: str, asked: str | None, begins: str
) -> None:
    flow = Flow(register_app(site, "App", public=True, redirect_uris=[registered]))
    allowed = flow.decide(ada, "allow", redirect_uri=asked).headers["Location"]
    assert allowed.startswith(begins)
    assert allowed.endswith(f"&state={flow.state}&iss=http%3A%2F%2Flocalhost%3A8000")
    denied = flow.decide(ada, "deny", redirect_uri=asked).headers["Location"]
    assert denied.startswith(begins.replace("code=", "error=access_denied"))


def test_a_second_press_leads_to_the_same_letters(ada: Browser, site: Site) -> None:
    flow = Flow(register_app(site, "App", redirect_uris=["Com.Example.App://"]))
    path = flow.path(redirect_uri=None)
    sent = form(ada, path, decision="allow", sid=ada.session()["sid"])
    pressed = [ada.post(path, **sent).headers["Location"] for _ in range(2)]
    assert pressed[0].startswith("Com.Example.App://?code=")
    assert pressed[0] == pressed[1]


@pytest.mark.parametrize("port", ["", ":", ":0", ":x", ":65536", ":080", ":-1", ":80:80", ":80@evil.example"])
def test_aut_01_the_port_of_a_loopback_address_is_a_port(ada: Browser, site: Site, port: str) -> None:
    app = register_app(site, "Tool", public=True, redirect_uris=["http://127.0.0.1:4000/cb"])
    assert ada.get(Flow(app).path(redirect_uri=f"http://127.0.0.1{port}/cb")).status_code == 400


def test_the_form_of_a_page_that_leads_to_an_app_may_lead_on_and_nothing_else_is_relaxed(
    ada: Browser, web: App, site: Site
) -> None:
    careful = ada.get("/devices").headers["Content-Security-Policy"]
    request = Flow(web).path()
    for path in (request, f"/confirm?{urlencode({'next': request})}"):
        assert ada.get(path).headers["Content-Security-Policy"] == careful.replace("form-action 'self'; ", "")
    for path in ("/sign-in", "/sign-up"):
        page = site.browser().get(f"{path}?{urlencode({'next': request})}")
        assert "form-action" not in page.headers["Content-Security-Policy"]
    for path in ("/account", "/devices", "/sign-out"):
        assert ada.get(f"{path}?{urlencode({'next': request})}").headers["Content-Security-Policy"] == careful


REFUSED = {
    "no challenge": ({"code_challenge": None}, "invalid_request"),
    "plain": ({"code_challenge_method": "plain"}, "invalid_request"),
    "no method": ({"code_challenge_method": None}, "invalid_request"),
    "a short challenge": ({"code_challenge": "x" * 42}, "invalid_request"),
    "a challenge with odd characters": ({"code_challenge": "x" * 42 + "="}, "invalid_request"),
    "no response type": ({"response_type": None}, "invalid_request"),
    "the implicit grant": ({"response_type": "token"}, "unsupported_response_type"),
    "the hybrid flow": ({"response_type": "code id_token"}, "unsupported_response_type"),
    "a fragment": ({"response_mode": "fragment"}, "invalid_request"),
    "an unknown scope": ({"scope": "everything"}, "invalid_scope"),
    "the site's own scope": ({"scope": "session"}, "invalid_scope"),
    "an unknown prompt": ({"prompt": "nicely"}, "invalid_request"),
    "none with another": ({"prompt": "none login"}, "invalid_request"),
    "a negative age": ({"max_age": "-1"}, "invalid_request"),
    "an age in words": ({"max_age": "ten"}, "invalid_request"),
    "an endless age": ({"max_age": "9" * 400}, "invalid_request"),
    "a long nonce": ({"nonce": "x" * 256}, "invalid_request"),
    "a request object": ({"request": "eyJ"}, "request_not_supported"),
    "a request by reference": ({"request_uri": "https://app.example/r"}, "request_uri_not_supported"),
    "a registration": ({"registration": "{}"}, "registration_not_supported"),
}


@pytest.mark.parametrize("what", REFUSED)
@pytest.mark.parametrize("public", [True, False])
def test_pkc_01_02_03_tok_10_aut_03_a_malformed_request_is_sent_back_before_the_user_is_asked(
    site: Site, what: str, public: bool
) -> None:
    changed, error = REFUSED[what]
    flow = Flow(register_app(site, "App", public=public))
    answer = site.browser().get(flow.path(**changed))
    assert answer.headers["Location"].startswith(CALLBACK)
    assert (led(answer)["error"], led(answer)["state"], led(answer)["iss"]) == (error, flow.state, SITE_URL)


def test_tok_09_a_parameter_given_twice_is_refused_and_an_unknown_one_ignored(ada: Browser, web: App) -> None:
    flow = Flow(web)
    assert led(ada.get(f"{flow.path()}&scope=openid"))["error"] == "invalid_request"
    assert ada.get(f"{flow.path()}&client_id={web.id}").status_code == 400
    assert ada.get(f"{flow.path()}&redirect_uri={CALLBACK}").status_code == 400
    assert asks(ada, flow, unknown="x", state=None)


def test_tok_02_known_scopes_are_granted_and_unknown_ones_ignored(ada: Browser, web: App) -> None:
    tokens = Flow(web, scope="openid admin email openid").connect(ada)
    assert tokens["scope"] == "openid email"


def test_without_a_wish_everything_is_granted_that_does_not_outlive_the_browser(ada: Browser, web: App) -> None:
    flow = Flow(web)
    tokens = flow.exchange(flow.allow(ada, scope=None)).get_json()
    assert tokens["scope"] == "openid profile email"


def test_aut_06_07_the_page_cannot_be_framed_or_read_by_others(ada: Browser, web: App) -> None:
    answer = ada.get(Flow(web).path(), Origin="https://app.example")
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert not [name for name, _ in answer.headers if name.startswith("Access-Control")]


def test_another_sites_form_changes_nothing_and_asks(ada: Browser, web: App) -> None:
    flow = Flow(web)
    form = {name: values[0] for name, values in parse_qs(urlsplit(flow.path()).query).items()}
    for sent in ({}, {"decision": "allow"}):
        answer = ada.post("/oauth/authorize", {"Sec-Fetch-Site": "cross-site"}, **form, **sent)
        assert answer.status_code == 303
        assert not is_led_back(answer)
        page = ada.get(answer.headers["Location"])
        assert 'value="allow"' in page.text, "the same, by GET, asks"
    answer = ada.post(flow.path(), {"Sec-Fetch-Site": "cross-site"}, decision="allow")
    assert not is_led_back(answer)


def test_a_post_from_another_site_is_led_to_the_same_address(ada: Browser, web: App) -> None:
    path = f"{Flow(web, state='').path()}&x={'/?:@~' * 2_500}"
    answer = ada.post(path, {"Origin": "https://evil.example"})
    assert (answer.status_code, answer.headers["Location"]) == (303, path)


def test_a_user_who_is_not_signed_in_signs_in_first_and_then_is_asked(site: Site, web: App) -> None:
    site.member().sign_out()
    browser = site.browser()
    flow = Flow(web)
    sign_in = browser.get(flow.path(login_hint="ada@example.org")).headers["Location"]
    page = browser.get(sign_in)
    assert 'value="ada@example.org"' in page.text
    assert "form-action" not in page.headers["Content-Security-Policy"]
    wanted = parse_qs(urlsplit(sign_in).query)["next"][0]
    arrived = browser.sign_in(next=wanted).headers["Location"]
    assert 'value="allow"' in browser.get(browser.get(arrived).headers["Location"]).text


def test_a_user_who_has_no_account_makes_one_and_is_asked_then(site: Site, web: App) -> None:
    browser, flow = site.browser(), Flow(web, state='{"back": "/ä?b=1&c=%2f"}')
    page = browser.get(browser.get(flow.path()).headers["Location"])
    for there, back in (("/sign-up", "I have no account yet"), ("/sign-in", "I have an account already")) * 2:
        link = re.search(rf'href="({there}[^"]+)">{back}', page.text)
        assert link, page.text
        page = browser.get(unescape(link[1]))
    page = browser.get(unescape(re.findall(r'href="(/sign-up[^"]+)"', page.text)[0]))
    given = re.search(r'name="next"[^>]* value="([^"]+)"', page.text)
    assert given
    arrived = browser.post("/sign-up", name="Eve", email="eve@example.org", password=PASSWORD, next=unescape(given[1]))
    asked = browser.get(arrived.headers["Location"]).headers["Location"]
    assert parse_qs(urlsplit(asked).query)["state"] == [flow.state]
    assert 'value="allow"' in browser.get(asked).text


def test_signing_in_for_an_address_that_is_not_registered_widens_no_policy(site: Site, web: App) -> None:
    for path in ("/devices", Flow(web).path(redirect_uri="https://evil.example/")):
        policy = site.browser().get(f"/sign-in?{urlencode({'next': path})}").headers["Content-Security-Policy"]
        assert "form-action 'self';" in policy


STATES = {
    "letters": "x",
    "a token": "eyJhbGciOiJub25lIn0.eyJyIjoi",
    "base64": "ab+/cd==",
    "JSON": '{"return": "/a?b=1&c", "n": [1, 2]}',
    "an address": "https://app.example/a?b=c&d=%20e#f",
    "our own way": "/sign-in?arrived=1&rest=/oauth/authorize&since=1&email=eve@example.org&action=/devices/end-all",
    "umlauts": "ü",
    "Chinese": "漢字",
    "emoji": "🦦",
    "joiners and odd spaces": "\u200d\u00a0\u3000",
    "percent signs": "%",
    "ampersands": "&",
    "plus signs": "+",
    "spaces": " ",
    "number signs": "#",
    "backslashes": "\\",
    "quotes": "\"'<>`",
    "lines": "a\r\n\tb\x00",
}


def longest(web: App, part: str, **changed: str) -> Flow:
    """Return the longest request whose address is answered, with a state that is made of *part*."""
    room = LONGEST_ADDRESS - len(Flow(web, state="").path(**changed))
    return Flow(web, state=part * (room // len(quote_plus(part))))


def carried(page: TestResponse) -> str:
    """Return where the form of a page leads on to."""
    found = re.search(r'name="next"[^>]* value="([^"]+)"', page.text)
    assert found
    return unescape(found[1])


@pytest.mark.parametrize("kind", STATES)
def test_the_longest_request_works_for_a_visitor_who_is_signed_out(
    site: Site, ada: Browser, web: App, kind: str
) -> None:
    Flow(web).connect(ada)
    flow = longest(web, STATES[kind])
    assert led(ada.get(flow.path()))["state"] == flow.state
    browser, way = site.browser(), [flow.path()]
    way.append(browser.get(way[0]).headers["Location"])
    page = browser.get(way[1])
    assert 'value="eve@example.org"' not in page.text, "what is wanted says nothing to the page that leads to it"
    assert "form-action" not in page.headers["Content-Security-Policy"]
    link = re.search(r'href="(/sign-up[^"]+)"', page.text)
    assert link
    way.append(unescape(link[1]))
    assert parse_qs(urlsplit(carried(browser.get(way[2]))).query) == parse_qs(urlsplit(carried(page)).query)
    way.append(browser.sign_in(next=carried(page)).headers["Location"])
    way.append(browser.get(way[-1]).headers["Location"])
    assert led(browser.get(way[-1]))["state"] == flow.state
    assert max(len(f"GET {address} HTTP/1.1") for address in way) <= MOST_LINE, (
        "the server reads each address on the way"
    )


@pytest.mark.parametrize("kind", ["letters", "percent signs"])
def test_the_longest_request_works_where_the_password_is_asked_for(ada: Browser, web: App, kind: str) -> None:
    Flow(web).connect(ada)
    flow = longest(web, STATES[kind], max_age="0")
    asked = ada.get(flow.path(max_age="0")).headers["Location"]
    assert urlsplit(asked).path == "/confirm"
    answer = ada.post("/confirm", password=PASSWORD, next=carried(ada.get(asked)))
    assert "code" in led(ada.get(answer.headers["Location"]))


def test_a_hint_that_is_too_long_to_carry_twice_is_left_out(site: Site, web: App) -> None:
    flow = Flow(web, state="x" * 1_000)
    asked = site.browser().get(flow.path(login_hint="ü" * 2_000)).headers["Location"]
    assert len(asked) < LONGEST_ADDRESS
    assert parse_qs(urlsplit(asked).query).keys() == {"next"}
    assert (
        'value="ada@example.org"'
        in site.browser().get(site.browser().get(flow.path(login_hint="ada@example.org")).headers["Location"]).text
    )


@pytest.mark.parametrize("kind", ["letters", "a token", "umlauts", "Chinese", "emoji", "quotes"])
def test_the_way_by_the_sign_in_makes_a_request_no_longer(site: Site, web: App, kind: str) -> None:
    flow = Flow(web, state=STATES[kind] * 100)
    browser = site.browser()
    asked = browser.get(flow.path()).headers["Location"]
    assert len(asked) < len(flow.path()) + 200


def test_what_was_allowed_is_not_asked_again_unless_it_is_more(ada: Browser, web: App) -> None:
    Flow(web, scope="openid email").connect(ada)
    assert "code" in led(ada.get(Flow(web, scope="openid").path()))
    assert "code" in led(ada.get(Flow(web, scope="openid").path(prompt="none")))
    assert asks(ada, Flow(web, scope="openid profile"))
    assert led(ada.get(Flow(web, scope="openid profile").path(prompt="none")))["error"] == "consent_required"
    assert asks(ada, Flow(web, scope="openid"), prompt="consent")
    assert asks(ada, Flow(web, scope="openid"), prompt="select_account")


def test_bba_09_a_public_client_always_asks_and_so_does_one_that_wants_to_outlive_the_browser(
    ada: Browser, web: App, page_app: App
) -> None:
    Flow(page_app).connect(ada)
    assert asks(ada, Flow(page_app))
    lasting = Flow(web, scope="openid offline_access")
    lasting.connect(ada)
    assert asks(ada, lasting)


def test_prompt_none_shows_no_page(site: Site, ada: Browser, web: App) -> None:
    for browser, error in ((site.browser(), "login_required"), (ada, "consent_required")):
        flow = Flow(web)
        assert led(browser.get(flow.path(prompt="none"))) == {"error": error, "state": flow.state, "iss": SITE_URL}


def test_prompt_none_with_a_hint_of_another_user_is_refused(site: Site, ada: Browser, web: App) -> None:
    token = Flow(web).connect(ada)["id_token"]
    bob = site.member("bob@example.org")
    Flow(web).connect(bob)
    assert "code" in led(ada.get(Flow(web).path(prompt="none", id_token_hint=token)))
    for hint in (token, "nonsense"):
        assert led(bob.get(Flow(web).path(prompt="none", id_token_hint=hint)))["error"] == "login_required"


def test_a_hint_of_another_user_is_never_answered_for_the_signed_in_one(site: Site, ada: Browser, web: App) -> None:
    token = Flow(web).connect(ada)["id_token"]
    bob = site.member("bob@example.org")
    Flow(web).connect(bob)
    flow, hint = Flow(web), {"id_token_hint": token}
    asked = bob.get(flow.path(**hint)).headers["Location"]
    for answer in (bob.get(flow.path(prompt="consent", **hint)), flow.decide(bob, "allow", **hint)):
        assert urlsplit(answer.headers["Location"]).path == urlsplit(asked).path == "/sign-in"
    back = parse_qs(urlsplit(asked).query)["next"][0]
    assert led(bob.get(back))["error"] == "login_required", "it is still Bob, who is not asked for ever"
    bob.sign_in("ada@example.org")
    assert "code" in led(bob.get(back))
    assert asks(ada, Flow(web), id_token_hint="nonsense", prompt="consent")


def confirm(browser: Browser, location: str) -> str:
    """Give the password that is asked for; return where that leads."""
    parts = urlsplit(location)
    assert parts.path == "/confirm"
    page = browser.get(location)
    assert "give your password again" in page.text
    wanted = parse_qs(parts.query)["next"][0]
    answer = browser.post("/confirm", password=PASSWORD, next=wanted)
    assert answer.status_code == 303
    return str(answer.headers["Location"])


@pytest.mark.parametrize("asked", [{"prompt": "login"}, {"max_age": "0"}, {"max_age": "60"}], ids=str)
def test_a_user_who_has_to_prove_it_again_gives_the_password_and_the_app_learns_when(
    site: Site, ada: Browser, web: App, asked: dict[str, str]
) -> None:
    first = Flow(web).connect(ada)
    site.wait(61)
    flow = Flow(web)
    back = confirm(ada, ada.get(flow.path(**asked)).headers["Location"])
    code = led(ada.get(back))["code"]
    second = flow.exchange(code).get_json()
    assert auth_time(second) >= auth_time(first) + 61
    again = ada.get(Flow(web).path(**{"max_age": "60"} if "max_age" not in asked else {"max_age": "3600"}))
    assert "code" in led(again), "it was proven just now"


def test_a_user_who_has_to_prove_it_again_can_not_do_so_silently(site: Site, ada: Browser, web: App) -> None:
    Flow(web).connect(ada)
    site.wait(61)
    assert led(ada.get(Flow(web).path(prompt="none", max_age="60")))["error"] == "login_required"
    assert "code" in led(ada.get(Flow(web).path(prompt="none", max_age="3600")))


def test_a_wrong_password_does_not_lead_on(site: Site, ada: Browser, web: App) -> None:
    flow = Flow(web)
    location = ada.get(flow.path(prompt="login")).headers["Location"]
    wanted = parse_qs(urlsplit(location).query)["next"][0]
    answer = ada.post("/confirm", password="wrong", next=wanted)
    assert answer.status_code == 422
    assert "form-action" not in answer.headers["Content-Security-Policy"]


def test_a_user_who_switched_accounts_in_another_tab_decides_again(site: Site, ada: Browser, web: App) -> None:
    flow = Flow(web)
    seen = ada.session()["sid"]
    site.member("bob@example.org")
    ada.sign_in("bob@example.org")
    answer = ada.post(flow.path(), decision="allow", sid=seen)
    assert answer.status_code == 200
    assert "bob@example.org" in answer.text


def test_a_user_who_was_signed_out_meanwhile_allows_nothing(site: Site, ada: Browser, web: App) -> None:
    flow = Flow(web)
    sid = ada.session()["sid"]
    old = site.thief(ada.pocket())
    ada.sign_out()
    answer = old.post(flow.path(), decision="allow", sid=sid)
    assert not is_led_back(answer)


def test_an_apps_token_in_the_cookie_signs_no_user_in(site: Site, ada: Browser, web: App) -> None:
    tokens = Flow(web, scope="openid offline_access").connect(ada)
    thief = site.thief({"__Host-Http-access": tokens["access_token"], "__Host-Http-refresh": tokens["refresh_token"]})
    assert not thief.is_signed_in()
    thief.sign_out()
    thief.sign_in()
    assert alive(web, tokens["access_token"]), "what is no session of this browser is not ended by it"
    assert web.refresh(tokens["refresh_token"]).status_code == 200


def test_an_app_learns_of_no_proof_that_the_tokens_which_said_yes_have_not_made(site: Site, web: App) -> None:
    ada = site.member()
    began = auth_time(Flow(web).connect(ada))
    site.wait(200)
    copy = site.thief(ada.pocket(), ACCESS)
    ada.post("/confirm", password=PASSWORD)
    assert auth_time(Flow(web).connect(copy)) == began
    assert copy.get(Flow(web).path(max_age="60")).headers["Location"].startswith("/confirm")
    assert led(copy.get(Flow(web).path(prompt="none", max_age="60")))["error"] == "login_required"
    assert auth_time(Flow(web).connect(ada)) >= began + 200


def auth_time(tokens: dict[str, str]) -> int:
    found: int = jwt.decode(tokens["id_token"], options={"verify_signature": False})["auth_time"]
    return found
