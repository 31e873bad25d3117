"""Pushed authorization requests: an app hands in what it asks for, and the browser brings its name (RFC 9126)."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from app.capacity.throttle import PlaceThrottle
from app.oauth import pushed
from tests.browsers import SITE_URL, Browser, Site, form
from tests.oauth.conftest import App, register_app
from tests.oauth.flow import CALLBACK, Flow, at, is_led_back, led

OVER = "The app’s request is over"


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def strict(site: Site) -> App:
    """An app that has to push its requests."""
    return register_app(site, "Strict", require_pushed_authorization_requests=True)


def is_over(browser: Browser, address: str) -> bool:
    """Whether the browser is led nowhere, and told why."""
    answer = browser.get(address)
    return answer.status_code == 400 and OVER in answer.text


def decide(browser: Browser, address: str, decision: str = "allow") -> dict[str, str]:
    return led(browser.post(address, decision=decision, sid=browser.session()["sid"]))


@pytest.mark.parametrize("name", ["web", "strict", "page_app"])
def test_an_app_that_pushes_its_request_gets_the_code_that_it_asked_for(
    ada: Browser, request: pytest.FixtureRequest, name: str
) -> None:
    flow = Flow(request.getfixturevalue(name))
    address = flow.pushed()
    assert "asks who you are" in ada.get(address).text
    answer = decide(ada, address)
    assert (answer["state"], answer["iss"]) == (flow.state, SITE_URL)
    assert flow.exchange(answer["code"]).get_json()["scope"] == "openid profile email"


def test_the_answer_names_the_request_and_how_soon_the_browser_has_to_come(web: App) -> None:
    answer = Flow(web).push()
    assert answer.status_code == 201
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.get_json()
    assert set(body) == {"request_uri", "expires_in"}
    assert body["request_uri"].startswith("urn:ietf:params:oauth:request_uri:")
    assert body["expires_in"] == pushed.SECONDS < 600


def test_nothing_of_the_request_can_be_read_in_the_database(site: Site, web: App) -> None:
    flow = Flow(web)
    name = flow.push(login_hint="ada@example.org").get_json()["request_uri"]
    rows = str(site.query("SELECT * FROM pushed_requests"))
    for secret in ("ada@example.org", flow.state, CALLBACK, name.removeprefix(pushed.NAMES)):
        assert secret not in rows


def test_a_request_is_answered_once_with_any_answer(ada: Browser, web: App) -> None:
    for decision, answer in (("allow", "code"), ("deny", "error")):
        address = Flow(web).pushed()
        assert answer in decide(ada, address, decision)
        assert is_over(ada, address)
        again = ada.post(address, decision=decision, sid=ada.session()["sid"])
        assert (again.status_code, OVER in again.text) == (400, True)


def test_a_request_that_was_allowed_before_is_answered_once_without_a_page(ada: Browser, web: App) -> None:
    Flow(web).connect(ada)
    address = Flow(web).pushed()
    assert "code" in led(ada.get(address))
    assert is_over(ada, address)


def test_a_silent_request_is_answered_once_too(site: Site, web: App) -> None:
    stranger, address = site.browser(), Flow(web).pushed(prompt="none")
    assert led(stranger.get(address))["error"] == "login_required"
    assert is_over(stranger, address)


@pytest.mark.stores("a race")
def test_one_of_many_answers_at_once_succeeds(site: Site, web: App, ada: Browser) -> None:
    Flow(web).connect(ada)
    address, pocket = Flow(web).pushed(), ada.pocket()
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: site.thief(pocket).get(address).status_code, range(8)))
    assert sorted(answers) == [303] + [400] * 7


def test_a_browser_that_is_not_signed_in_signs_in_on_the_way(site: Site, web: App, ada: Browser) -> None:
    ada.sign_out()
    address = Flow(web).pushed()
    to_sign_in = ada.get(address).headers["Location"]
    assert to_sign_in.startswith("/sign-in?")
    site.wait(pushed.SECONDS + 60)
    [back] = parse_qs(urlsplit(to_sign_in).query)["next"]
    ada.sign_in()
    assert "asks who you are" in ada.get(back).text
    assert "code" in decide(ada, back)


@pytest.mark.parametrize(("decision", "answer"), [("allow", "code"), ("deny", "error")])
def test_a_form_that_is_sent_twice_gets_the_same_answer(ada: Browser, web: App, decision: str, answer: str) -> None:
    address = Flow(web).pushed()
    fields = form(ada, address, decision=decision)
    first, second = ada.post(address, **fields), ada.post(address, **fields)
    assert led(first)[answer] == led(second)[answer]


def test_a_request_is_over_if_no_browser_comes_within_a_minute(site: Site, ada: Browser, web: App) -> None:
    late, early = Flow(web).pushed(), Flow(web).pushed()
    site.wait(pushed.SECONDS - 1)
    assert not is_over(ada, early)
    site.wait(1)
    assert is_over(ada, late)


def test_a_request_is_over_if_its_user_does_not_decide_within_half_an_hour(site: Site, ada: Browser, web: App) -> None:
    address = Flow(web).pushed()
    ada.get(address)
    site.wait(pushed.OPENED_SECONDS - 1)
    assert "asks who you are" in ada.get(address).text, "which does not make it last longer"
    site.wait(1)
    assert is_over(ada, address)


@pytest.mark.parametrize("looks", range(4))
def test_a_request_that_is_over_in_the_middle_of_a_confirmation_breaks_no_page(
    ada: Browser, web: App, monkeypatch: pytest.MonkeyPatch, looks: int
) -> None:
    """Another tab may answer it at any moment: here, after so many look-ups of the page."""
    address = Flow(web).pushed(acr_values="2")
    find, left = pushed.find, iter(range(looks))
    monkeypatch.setattr(pushed, "find", lambda *asked: find(*asked) if next(left, None) is not None else None)
    assert ada.get(f"/confirm?{urlencode({'next': address})}").status_code == 200


def test_another_apps_request_leads_nowhere_and_is_not_used_up(site: Site, ada: Browser, web: App) -> None:
    other = register_app(site, "Other", redirect_uris=["https://other.example/back"])
    flow = Flow(web)
    name = flow.push().get_json()["request_uri"]
    assert is_over(ada, at(other, name))
    assert is_over(ada, f"{at(web, name)}&client_id={other.id}".replace(f"client_id={web.id}&", "", 1))
    assert ada.get(f"/oauth/authorize?request_uri={name}").status_code == 400
    assert "code" in decide(ada, at(web, name))


@pytest.mark.parametrize("name", ["", "x", "x" * 5000, "\u00e9\x00"])
def test_a_name_that_was_never_given_leads_nowhere(ada: Browser, web: App, name: str) -> None:
    assert is_over(ada, at(web, f"{pushed.NAMES}{name}"))


def test_what_stands_beside_the_name_changes_nothing(ada: Browser, web: App) -> None:
    flow = Flow(web, scope="openid")
    name = flow.push().get_json()["request_uri"]
    beside = {"redirect_uri": "https://evil.example/", "scope": "openid email", "state": "x", "prompt": "none"}
    address = at(web, name, **beside, code_challenge="x" * 43, response_type="token")
    page = ada.get(address)
    assert "your email address" not in page.text.partition("It may know")[2]
    answer = ada.post(address, decision="allow", sid=ada.session()["sid"])
    assert answer.headers["Location"].startswith(f"{CALLBACK}?")
    assert led(answer)["state"] == flow.state
    assert flow.exchange(led(answer)["code"]).get_json()["scope"] == "openid"


@pytest.mark.parametrize(
    ("changed", "error"),
    [
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_type": None}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"scope": "everything"}, "invalid_scope"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "-1"}, "invalid_request"),
        ({"nonce": "x" * 300}, "invalid_request"),
        ({"request": "eyJ"}, "request_not_supported"),
        ({"request_uri": f"{pushed.NAMES}x"}, "invalid_request"),
        ({"request_uri": "https://app.example/request"}, "invalid_request"),
    ],
)
def test_what_makes_no_sense_is_refused_before_a_browser_is_sent(
    site: Site, web: App, changed: dict[str, str | None], error: str
) -> None:
    answer = Flow(web).push(**changed)
    assert (answer.status_code, answer.get_json()["error"]) == (400, error)
    assert site.query("SELECT count(*) FROM pushed_requests") == [(0,)]


def test_an_app_proves_who_it_is_as_at_the_token_endpoint(site: Site, web: App) -> None:
    asked = Flow(web).asked()
    for impostor in (App(site, web.id, None), App(site, web.id, "guessed"), App(site, "nobody", None)):
        answer = impostor.post("/oauth/par", **(asked | {"client_id": impostor.id}))
        assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")


def test_an_app_pushes_no_request_of_another(site: Site, web: App, page_app: App) -> None:
    answer = web.post("/oauth/par", **Flow(page_app).asked())
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_an_app_that_has_to_push_is_sent_back_if_it_does_not(ada: Browser, strict: App) -> None:
    answer = ada.get(Flow(strict).path())
    assert is_led_back(answer)
    assert led(answer)["error"] == "invalid_request"
    assert "push" in led(answer)["error_description"]


def test_the_operator_says_which_app_has_to_push(site: Site, ada: Browser, web: App) -> None:
    assert site.run("clients", "change", web.id, "--par").exit_code == 0
    assert led(ada.get(Flow(web).path()))["error"] == "invalid_request"
    assert site.run("clients", "change", web.id, "--no-par").exit_code == 0
    assert "asks who you are" in ada.get(Flow(web).path()).text


def test_a_request_that_is_too_long_is_not_kept(site: Site, web: App) -> None:
    assert Flow(web, state="x" * pushed.MAX_LENGTH).push().status_code == 413
    assert site.query("SELECT count(*) FROM pushed_requests") == [(0,)]


def test_one_app_does_not_fill_the_database(
    site: Site, ada: Browser, web: App, page_app: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushed, "MAX_WAITING", 3)
    addresses = [Flow(web).pushed() for _ in range(3)]
    refused = Flow(web).push()
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, str(pushed.SECONDS))
    assert Flow(page_app).push().status_code == 201, "another app is not in its way"
    assert "code" in decide(ada, addresses[0])
    assert Flow(web).push().status_code == 201
    site.wait(pushed.SECONDS)
    assert Flow(web).push().status_code == 201
    assert site.query("SELECT count(*) FROM pushed_requests") == [(1,)], "which forgot what was over"


def test_anyone_who_calls_themselves_a_public_app_is_slowed_down_and_is_in_no_others_way(
    page_app: App, web: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushed, "MAX_WAITING", 100)
    codes = [Flow(page_app).push().status_code for _ in range(301)]
    assert codes == [201] * 300 + [429]
    assert Flow(web).push().status_code == 201
    elsewhere = page_app.site.browser(address="198.51.100.7")
    assert elsewhere.post("/oauth/par", **Flow(page_app).asked()).status_code == 201


def test_strangers_who_begin_at_an_app_and_never_decide_are_in_no_others_way(
    site: Site, web: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushed, "MAX_WAITING", 3)
    stranger = site.browser(address="203.0.113.66")
    for _ in range(4):
        assert stranger.get(Flow(web).pushed()).location.startswith("/sign-in?")
    site.wait(pushed.OPENED_SECONDS - pushed.SECONDS)
    assert Flow(web).push().status_code == 201, "also while their last minute runs"


def test_a_stranger_who_opens_many_requests_has_a_minute_for_each_and_others_have_their_time(
    site: Site, ada: Browser, web: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pushed, "_opened", PlaceThrottle("in a test", "2 per 10 minutes"))
    stranger = site.browser(address="203.0.113.66")
    many = [Flow(web).pushed() for _ in range(3)]
    assert {stranger.get(address).status_code for address in many} == {303}
    mine = Flow(web).pushed()
    ada.get(mine)
    site.wait(pushed.SECONDS)
    assert [is_over(stranger, address) for address in many] == [False, False, True]
    assert "code" in decide(ada, mine)


def test_a_purge_forgets_what_is_over(site: Site, web: App) -> None:
    Flow(web).pushed()
    assert "pushed requests: 0 forgotten" in site.run("purge").output
    site.wait(pushed.SECONDS)
    assert "pushed requests: 1 forgotten" in site.run("purge").output


def test_a_script_of_a_public_app_may_push(site: Site, page_app: App) -> None:
    answer = page_app.post("/oauth/par", headers={"Origin": "https://app.example"}, **Flow(page_app).asked())
    assert answer.headers["Access-Control-Allow-Origin"] == "https://app.example"
