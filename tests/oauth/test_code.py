"""The authorization code: good once, soon, for the app that asked."""

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from tests.browsers import Browser, Site
from tests.conftest import LONG
from tests.oauth.conftest import App, alive, register_app
from tests.oauth.flow import Flow


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def error(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.get_json()["error"]


@pytest.mark.page
@pytest.mark.parametrize("public", [True, False])
def test_tok_01_a_code_gives_all_that_was_asked_for(site: Site, ada: Browser, public: bool) -> None:
    flow = Flow(register_app(site, "App", public=public))
    answer = flow.exchange(flow.allow(ada))
    body = answer.get_json()
    assert (answer.status_code, answer.mimetype, answer.headers["Cache-Control"]) == (
        200,
        "application/json",
        "no-store",
    )
    assert (body["token_type"], body["expires_in"], body["scope"]) == ("Bearer", 300, "openid profile email")
    assert alive(flow.app, body["access_token"])
    assert flow.app.refresh(body["refresh_token"]).status_code == 200


@pytest.mark.page
def test_rt_13_it_says_how_long_all_of_it_is_good_for(site: Site, web: App) -> None:
    ada = site.browser()
    ada.sign_up()
    ada.sign_in(keep="y")
    body = Flow(web, scope="openid offline_access").connect(ada)
    day = 24 * 60 * 60
    assert (body["refresh_token_timeout"], body["authorization_expires_in"]) == (14 * day, 30 * day)
    site.wait(day)
    assert web.post("/oauth/introspect", token=body["refresh_token"]).get_json()["active"]
    body = web.refresh(body["refresh_token"]).get_json()
    assert (body["refresh_token_timeout"], body["authorization_expires_in"]) == (14 * day, 29 * day)
    site.wait(12 * day)
    later = Flow(web, scope="openid").connect(ada)
    assert later["refresh_token_timeout"] <= later["authorization_expires_in"] == 17 * day, "no longer than the browser"


def test_tok_11_a_second_use_with_the_right_verifier_ends_what_the_first_gave(ada: Browser, web: App) -> None:
    flow = Flow(web)
    code = flow.allow(ada)
    first = flow.exchange(code).get_json()
    assert error(flow.exchange(code)) == (400, "invalid_grant")
    assert not alive(web, first["access_token"])
    assert error(web.refresh(first["refresh_token"])) == (400, "invalid_grant")
    assert ada.is_signed_in()
    assert "The code of an app came back a second time" in ada.get("/activity").text


@pytest.mark.parametrize(
    "changed", [{"code_verifier": "x" * 43}, {"redirect_uri": "https://app.example/other"}], ids=str
)
def test_tok_12_a_second_use_by_an_attacker_who_only_saw_the_code_ends_nothing(
    ada: Browser, web: App, changed: dict[str, str]
) -> None:
    flow = Flow(web)
    code = flow.allow(ada)
    first = flow.exchange(code).get_json()
    assert error(flow.exchange(code, **changed)) == (400, "invalid_grant")
    assert alive(web, first["access_token"])
    assert web.refresh(first["refresh_token"]).status_code == 200


def test_tok_12_another_client_with_the_right_verifier_ends_nothing(site: Site, ada: Browser, web: App) -> None:
    flow = Flow(web)
    code = flow.allow(ada)
    other = Flow(register_app(site, "Other"), verifier=flow.verifier)
    assert error(other.exchange(code)) == (400, "invalid_grant")
    first = flow.exchange(code)
    assert first.status_code == 200, "and it used nothing up"
    assert error(other.exchange(code)) == (400, "invalid_grant")
    assert alive(web, first.get_json()["access_token"])


@pytest.mark.page
def test_tok_13_a_code_is_good_for_a_minute(site: Site, ada: Browser, web: App) -> None:
    flow = Flow(web)
    in_time, too_late = flow.allow(ada), flow.allow(ada)
    site.wait(59)
    assert flow.exchange(in_time).status_code == 200
    site.wait(1)
    assert error(flow.exchange(too_late)) == (400, "invalid_grant")


@pytest.mark.page
@pytest.mark.parametrize("verifier", ["x" * 42, "x" * 129, "x" * 42 + "+", "x" * 42 + "é", "x" * 43, "\x00" * 43])
def test_pkc_04_a_verifier_that_is_not_the_right_one_gets_nothing_and_uses_nothing_up(
    ada: Browser, web: App, verifier: str
) -> None:
    flow = Flow(web)
    code = flow.allow(ada)
    assert error(flow.exchange(code, code_verifier=verifier)) == (400, "invalid_grant")
    assert flow.exchange(code).status_code == 200


@pytest.mark.page
@pytest.mark.parametrize("length", [43, 128])
def test_pkc_04_the_shortest_and_the_longest_verifier_are_good(ada: Browser, web: App, length: int) -> None:
    flow = Flow(web, verifier="-._~aB3" + "x" * (length - 7))
    assert flow.exchange(flow.allow(ada)).status_code == 200


@pytest.mark.page
def test_tok_08_what_is_missing_is_an_invalid_request(ada: Browser, web: App) -> None:
    flow = Flow(web)
    code = flow.allow(ada)
    assert error(flow.exchange(code, code_verifier=None)) == (400, "invalid_request")
    assert error(flow.exchange("")) == (400, "invalid_request")
    assert flow.exchange(code, redirect_uri=None).status_code == 200, "OAuth 2.1 leaves it out"


@pytest.mark.page
@pytest.mark.parametrize("code", ["x", "x" * 5000, "é", "\x00"])
def test_tok_08_an_unknown_code_is_an_invalid_grant(web: App, code: str) -> None:
    assert error(Flow(web).exchange(code)) == (400, "invalid_grant")


@pytest.mark.page
def test_rt_12_no_code_is_stored_as_it_was_sent(site: Site, ada: Browser, web: App) -> None:
    code = Flow(web).allow(ada)
    stored = str(site.query("SELECT * FROM authorization_codes"))
    assert web.id in stored
    assert code not in stored


@pytest.mark.page
def test_a_code_is_worthless_once_the_browser_that_gave_it_is_signed_out(ada: Browser, web: App) -> None:
    for scope in ("openid", "openid offline_access"):
        ada.sign_in()
        flow = Flow(web, scope=scope)
        code = flow.allow(ada)
        ada.sign_out()
        assert error(flow.exchange(code)) == (400, "invalid_grant")


@pytest.mark.stores("a race")
def test_one_of_eight_exchanges_at_once_succeeds(site: Site, ada: Browser, web: App) -> None:
    for _ in range(50 if LONG else 5):
        flow = Flow(web)
        code = flow.allow(ada)
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: flow.exchange(code), range(8)))  # noqa: B023
        assert sorted(answer.status_code for answer in answers) == [200] + [400] * 7
        opened = site.query("SELECT count(*) FROM sessions WHERE client_id = :id AND ended_entry IS NULL", id=web.id)
        assert opened == [(0,)], "and what it gave is over: seven came back with a used code"


@pytest.mark.stores("a race")
def test_eight_codes_exchanged_at_once_are_one_session_with_eight_chains(site: Site, ada: Browser, web: App) -> None:
    for _ in range(50 if LONG else 3):
        ada.sign_in()
        flows = [Flow(web) for _ in range(8)]
        given = [(flow, flow.allow(ada)) for flow in flows]
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda pair: pair[0].exchange(pair[1]).get_json(), given))
        assert len({line["sid"] for line in ada.sessions() if line["app"] and not line["ended_at"]}) == 1
        assert {web.refresh(tokens["refresh_token"]).status_code for tokens in answers} == {200}


@pytest.mark.page
@pytest.mark.parametrize("how", ["query", "twice", "json"])
def test_tok_03_09_nothing_counts_but_a_form(ada: Browser, web: App, how: str) -> None:
    flow = Flow(web)
    form = {"grant_type": "authorization_code", "code": flow.allow(ada), "code_verifier": flow.verifier}
    client = web.site.app.test_client()
    secret = {"client_id": web.id, "client_secret": web.secret}
    if how == "query":
        answer = client.post(f"/oauth/token?{urlencode(secret)}", base_url="http://localhost:8000", data=form)
    elif how == "twice":
        answer = client.post(
            "/oauth/token", base_url="http://localhost:8000", data={**form, **secret, "code": [form["code"], "x"]}
        )
    else:
        answer = client.post("/oauth/token", base_url="http://localhost:8000", json={**form, **secret})
    assert answer.status_code in (400, 401)
    assert flow.exchange(form["code"]).status_code == 200


def test_a_code_from_before_the_person_took_the_yes_back_gives_nothing(ada: Browser, web: App) -> None:
    Flow(web).connect(ada)
    later = Flow(web)
    code = later.allow(ada)
    granted = next(line for line in ada.sessions() if line["app"])
    ada.post(f"/devices/{granted['sid']}/end")
    assert error(later.exchange(code)) == (400, "invalid_grant")
    again = Flow(web)
    assert again.exchange(again.allow(ada)).status_code == 200, "a user who says yes once more means it"
