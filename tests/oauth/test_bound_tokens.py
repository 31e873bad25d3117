"""Tokens that are bound to an app's key (DPoP): what a thief does with a copy, and what the app's own key opens."""

import json
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
import pytest
from werkzeug.test import TestResponse

from app.capacity.throttle import PlaceThrottle
from app.oauth import pushed
from tests.browsers import Browser, Site
from tests.conftest import LONG
from tests.oauth.conftest import App, alive, register, register_app
from tests.oauth.flow import Flow, led
from tests.oauth.proofs import AppKey, Holder, fault, present
from tests.test_statements import is_postgresql, noting

MINUTES = 120  # seconds for which a nonce is good


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def holder(page_app: App) -> Holder:
    """A public app that has a key."""
    return Holder(page_app)


def cnf(access: str) -> Any:
    return jwt.decode(access, options={"verify_signature": False}).get("cnf")


@pytest.mark.page
def test_dpop_02_a_proof_at_the_exchange_binds_the_access_token(ada: Browser, holder: Holder) -> None:
    tokens = holder.connect(ada)
    assert (tokens["token_type"], cnf(tokens["access_token"])) == ("DPoP", {"jkt": holder.key.jkt})
    assert holder.call(tokens["access_token"]).status_code == 200
    assert holder.call(tokens["access_token"], path="/oauth/userinfo").get_json()["name"] == "Ada"
    assert holder.call(tokens["access_token"], path="/oauth/userinfo", method="POST").status_code == 200


@pytest.mark.page
def test_without_a_proof_a_token_is_bound_to_nothing(ada: Browser, web: App) -> None:
    tokens = Flow(web).connect(ada)
    assert (tokens["token_type"], cnf(tokens["access_token"])) == ("Bearer", None)


@pytest.mark.page
@pytest.mark.parametrize("path", ["/api/me", "/oauth/userinfo"])
def test_dpop_02_a_copied_access_token_is_worth_nothing_without_the_key(
    site: Site, ada: Browser, holder: Holder, path: str
) -> None:
    access = holder.connect(ada)["access_token"]
    thief = AppKey()
    thief.nonce = holder.key.nonce
    for answer in (
        present(holder.app, access, scheme="Bearer", path=path),
        present(holder.app, access, thief.prove("GET", path, access), scheme="Bearer", path=path),
        present(holder.app, access, holder.key.prove("GET", path, access), scheme="Bearer", path=path),
    ):
        assert (answer.status_code, fault(answer)) == (401, "invalid_token")
        bearer, dpop = answer.headers.getlist("WWW-Authenticate")
        assert bearer.startswith('Bearer realm="api", error="invalid_token"')
        assert dpop == 'DPoP realm="api", algs="ES256 PS256 Ed25519 EdDSA"'
    for answer in (
        present(holder.app, access, path=path),
        present(holder.app, access, thief.prove("GET", path, access), path=path),
    ):
        assert (answer.status_code, fault(answer)) == (401, "invalid_dpop_proof")
    assert holder.call(access, path=path).status_code == 200


@pytest.mark.page
def test_a_token_that_is_not_bound_is_not_taken_with_a_proof(ada: Browser, holder: Holder) -> None:
    access = Flow(holder.app).connect(ada)["access_token"]
    holder.connect(ada)
    answer = holder.call(access)
    assert (answer.status_code, fault(answer)) == (401, "invalid_token")
    assert answer.headers["WWW-Authenticate"].startswith("DPoP ")
    assert alive(holder.app, access)


@pytest.mark.page
def test_dpop_01_a_copied_proof_is_refused_and_its_owner_goes_on(ada: Browser, holder: Holder) -> None:
    access = holder.connect(ada)["access_token"]
    proof = holder.key.prove("GET", "/api/me", access)
    assert present(holder.app, access, proof).status_code == 200
    answer = present(holder.app, access, proof)
    assert (answer.status_code, fault(answer)) == (401, "invalid_dpop_proof")
    assert holder.call(access).status_code == 200


@pytest.mark.page
def test_a_proof_is_known_again_however_its_token_is_written(ada: Browser, holder: Holder) -> None:
    access = holder.connect(ada)["access_token"]
    claims = holder.key.claims("GET", "/api/me", access)
    assert present(holder.app, access, holder.key.sign(claims)).status_code == 200
    again = holder.key.sign(claims, kid="another header, so another signature")
    assert fault(present(holder.app, access, again)) == "invalid_dpop_proof"


@pytest.mark.page
def test_two_apps_may_happen_on_the_same_id_of_a_proof(ada: Browser, holder: Holder) -> None:
    other = Holder(holder.app)
    for each in (holder, other):
        access = each.connect(ada)["access_token"]
        assert each.call(access, each.key.prove("GET", "/api/me", access, jti="1")).status_code == 200


@pytest.mark.page
@pytest.mark.parametrize(
    ("method", "path", "of"),
    [("POST", "/oauth/userinfo", "it"), ("GET", "/oauth/userinfo", "it"), ("GET", "/api/me", "another")],
)
def test_dpop_01_a_copied_proof_for_another_address_method_or_token_is_refused(
    ada: Browser, holder: Holder, method: str, path: str, of: str
) -> None:
    access, another = (holder.connect(ada)["access_token"] for _ in range(2))
    unused = holder.key.prove(method, path, access if of == "it" else another)
    answer = present(holder.app, access, unused)
    assert (answer.status_code, fault(answer)) == (401, "invalid_dpop_proof")


@pytest.mark.page
def test_dpop_03_a_proof_that_was_made_for_later_is_worth_nothing_later(
    site: Site, ada: Browser, holder: Holder
) -> None:
    access = holder.connect(ada)["access_token"]
    signed_ahead = holder.key.sign(
        holder.key.claims("GET", "/api/me", access) | {"iat": holder.key.claims("", "")["iat"] + MINUTES}
    )
    site.wait(MINUTES)
    answer = present(holder.app, access, signed_ahead)
    assert (answer.status_code, fault(answer)) == (401, "use_dpop_nonce")
    assert holder.call(access).status_code == 401
    assert holder.call(access).status_code == 200, "by the nonce of the refusal"


@pytest.mark.page
def test_dpop_03_a_nonce_is_good_for_two_minutes_and_every_answer_brings_a_newer_one(
    site: Site, ada: Browser, holder: Holder
) -> None:
    access = holder.connect(ada)["access_token"]
    for _ in range(2):
        site.wait(MINUTES - 1)
        before = holder.key.nonce
        answer = holder.call(access)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
        assert holder.key.nonce != before


@pytest.mark.page
def test_dpop_03_the_token_endpoint_asks_for_a_nonce_and_uses_nothing_up(ada: Browser, page_app: App) -> None:
    key, flow = AppKey(), Flow(page_app)
    holder, code = Holder(page_app, key), flow.allow(ada)
    asks = holder.exchange(flow, code, key.prove("POST", "/oauth/token", nonce=None))
    assert (asks.status_code, fault(asks), asks.headers["Cache-Control"]) == (400, "use_dpop_nonce", "no-store")
    answer = holder.exchange(flow, code, key.prove("POST", "/oauth/token", nonce=asks.headers["DPoP-Nonce"]))
    assert (answer.status_code, answer.get_json()["token_type"]) == (200, "DPoP")
    assert answer.headers["DPoP-Nonce"]


@pytest.mark.page
def test_without_a_proof_no_answer_brings_a_nonce(ada: Browser, web: App) -> None:
    flow = Flow(web)
    answer = flow.exchange(flow.allow(ada))
    assert "DPoP-Nonce" not in answer.headers
    assert "DPoP-Nonce" not in web.site.browser().api(answer.get_json()["access_token"]).headers


@pytest.mark.page
@pytest.mark.parametrize("wrong", ["malformed", "by a key that did not sign", "used before"])
def test_a_code_is_not_used_up_by_a_proof_that_is_refused(ada: Browser, holder: Holder, wrong: str) -> None:
    holder.connect(ada)
    key, flow = holder.key, Flow(holder.app)
    code, used = flow.allow(ada), key.prove("POST", "/oauth/token")
    assert holder.refresh(holder.connect(ada)["refresh_token"], used).status_code == 200
    proofs = {
        "malformed": "x",
        "by a key that did not sign": key.sign(key.claims("POST", "/oauth/token"), key=AppKey().private),
        "used before": used,
    }
    answer = holder.exchange(flow, code, proofs[wrong])
    assert (answer.status_code, fault(answer)) == (400, "invalid_dpop_proof")
    assert holder.exchange(flow, code).status_code == 200


@pytest.mark.page
def test_dpop_02_a_copied_refresh_token_of_a_public_app_gets_nothing_and_ends_nothing(
    site: Site, ada: Browser, holder: Holder, caplog: pytest.LogCaptureFixture
) -> None:
    """RFC 9700, section 4.14.2: it is worth nothing without the key, so its use shows no theft of the session."""
    first = holder.connect(ada, scope="openid offline_access")["refresh_token"]
    second = holder.refresh(first).get_json()["refresh_token"]
    site.wait(11)  # an app's grace is over
    thief = Holder(holder.app)
    caplog.set_level(logging.INFO, "signed_out.security")
    caplog.clear()
    for copy in (first, second):
        for answer in (holder.app.refresh(copy), thief.refresh(copy)):
            assert (answer.status_code, answer.get_json()) == (400, {"error": "invalid_grant"})
    seen = [json.loads(one.message)["event"] for one in caplog.records if one.name == "signed_out.security"]
    assert seen == ["bound_token_presented"] * 4
    assert holder.refresh(second).status_code == 200, "the owner goes on"


@pytest.mark.page
def test_a_used_refresh_token_with_its_key_is_a_theft_as_ever(site: Site, ada: Browser, holder: Holder) -> None:
    """The key may have been copied too."""
    first = holder.connect(ada)["refresh_token"]
    second = holder.refresh(first).get_json()
    assert holder.refresh(first).get_json()["refresh_token"] == second["refresh_token"], "the answer was lost"
    site.wait(11)
    assert fault(holder.refresh(first)) == "invalid_grant"
    assert fault(holder.refresh(second["refresh_token"])) == "invalid_grant"


@pytest.mark.page
def test_within_the_grace_too_a_copy_needs_the_key(ada: Browser, holder: Holder) -> None:
    first = holder.connect(ada)["refresh_token"]
    assert holder.refresh(first).status_code == 200
    assert fault(holder.app.refresh(first)) == "invalid_grant"
    assert fault(Holder(holder.app).refresh(first)) == "invalid_grant"


@pytest.mark.page
def test_every_link_of_the_chain_stays_bound_and_its_access_tokens_too(ada: Browser, holder: Holder) -> None:
    token = holder.connect(ada)["refresh_token"]
    for _ in range(3):
        assert fault(holder.app.refresh(token)) == "invalid_grant"
        answer = holder.refresh(token).get_json()
        token = answer["refresh_token"]
        assert (answer["token_type"], cnf(answer["access_token"])) == ("DPoP", {"jkt": holder.key.jkt})


@pytest.mark.page
def test_a_chain_that_was_not_bound_is_from_the_first_proof_on(ada: Browser, holder: Holder) -> None:
    unbound = Flow(holder.app).connect(ada)["refresh_token"]
    bound = holder.refresh(unbound).get_json()
    assert bound["token_type"] == "DPoP"
    assert fault(holder.app.refresh(bound["refresh_token"])) == "invalid_grant"
    assert holder.refresh(bound["refresh_token"]).status_code == 200


@pytest.mark.page
@pytest.mark.parametrize("owner_has_key", [False, True])
def test_a_thief_who_binds_a_copied_token_to_another_key_is_found_when_the_owner_comes_within_the_grace(
    ada: Browser, holder: Holder, *, owner_has_key: bool
) -> None:
    """The successor is of no use to the owner, so the owner's next refresh would not show that there are two holders."""
    unbound, thief = Flow(holder.app).connect(ada)["refresh_token"], Holder(holder.app)
    stolen = thief.refresh(unbound).get_json()
    answer = holder.refresh(unbound) if owner_has_key else holder.app.refresh(unbound)
    assert (answer.status_code, fault(answer)) == (400, "invalid_grant")
    assert fault(thief.refresh(stolen["refresh_token"])) == "invalid_grant"
    assert fault(thief.call(stolen["access_token"])) == "invalid_token"


@pytest.mark.page
def test_an_app_that_binds_its_token_and_loses_the_answer_gets_the_same_successor(ada: Browser, holder: Holder) -> None:
    unbound = Flow(holder.app).connect(ada)["refresh_token"]
    lost = holder.refresh(unbound).get_json()["refresh_token"]
    assert holder.refresh(unbound).get_json()["refresh_token"] == lost
    assert holder.refresh(lost).status_code == 200


@pytest.mark.page
def test_dpop_02_an_app_with_a_secret_may_change_its_key_and_no_thief_refreshes_without_the_secret(
    ada: Browser, web: App, page_app: App
) -> None:
    """RFC 9449, section 5: its refresh token is bound to the client, which proves itself otherwise."""
    holder, another = Holder(web), Holder(web)
    token = holder.connect(ada)["refresh_token"]
    answer = another.refresh(token).get_json()
    assert cnf(answer["access_token"]) == {"jkt": another.key.jkt}
    assert another.call(answer["access_token"]).status_code == 200
    thief = Holder(page_app, holder.key)
    assert fault(thief.refresh(answer["refresh_token"])) == "invalid_grant"
    plain = web.refresh(answer["refresh_token"]).get_json()
    assert (plain["token_type"], cnf(plain["access_token"])) == ("Bearer", None)


@pytest.mark.page
def test_two_tabs_may_hold_two_keys(ada: Browser, page_app: App) -> None:
    tabs = [Holder(page_app), Holder(page_app)]
    tokens = [tab.connect(ada)["refresh_token"] for tab in tabs]
    for tab, token, others in zip(tabs, tokens, reversed(tokens), strict=True):
        assert fault(tab.refresh(others)) == "invalid_grant"
        assert tab.refresh(token).status_code == 200


@pytest.mark.page
def test_the_code_of_a_named_key_is_good_for_that_key_alone(ada: Browser, holder: Holder) -> None:
    flow, thief = Flow(holder.app), Holder(holder.app)
    code = flow.allow(ada, dpop_jkt=holder.key.jkt)
    assert fault(thief.exchange(flow, code)) == "invalid_grant"
    assert fault(flow.exchange(code)) == "invalid_grant"
    assert holder.exchange(flow, code).status_code == 200, "so far, nothing was used up"
    assert fault(thief.exchange(flow, code)) == "invalid_grant"
    assert fault(flow.exchange(code)) == "invalid_grant"
    assert holder.refresh(holder.connect(ada)["refresh_token"]).status_code == 200, "nor does a thief end the session"


@pytest.mark.page
def test_a_pushed_request_names_the_key_that_it_proves(ada: Browser, holder: Holder) -> None:
    """RFC 9449, section 10.1."""
    flow, key, thief = Flow(holder.app), holder.key, Holder(holder.app)
    holder.connect(ada)
    asked = {name: values[0] for name, values in parse_qs(urlsplit(flow.path()).query).items()}

    def push(**more: str) -> TestResponse:
        return holder.app.post("/oauth/par", headers={"DPoP": key.prove("POST", "/oauth/par")}, **asked | more)

    answer = push(dpop_jkt=thief.key.jkt)
    assert (answer.status_code, fault(answer)) == (400, "invalid_dpop_proof")
    assert push(dpop_jkt=key.jkt).status_code == 201
    proof = key.prove("POST", "/oauth/par")
    pushed = holder.app.post("/oauth/par", headers={"DPoP": proof}, **asked)
    again = holder.app.post("/oauth/par", headers={"DPoP": proof}, **asked)
    assert (again.status_code, fault(again)) == (400, "invalid_dpop_proof")
    path = (
        f"/oauth/authorize?{urlencode({'client_id': holder.app.id, 'request_uri': pushed.get_json()['request_uri']})}"
    )
    code = led(ada.post(path, decision="allow", sid=ada.session()["sid"]))["code"]
    assert fault(flow.exchange(code)) == "invalid_grant"
    assert fault(thief.exchange(flow, code)) == "invalid_grant"
    assert holder.exchange(flow, code).status_code == 200


@pytest.mark.page
def test_a_pushed_request_that_is_refused_uses_no_proof_up(
    site: Site, ada: Browser, holder: Holder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So requests that come to nothing do not fill the table of used proofs."""
    holder.connect(ada)
    [(before,)] = site.query("SELECT count(*) FROM spent_challenges")
    asked, proof = Flow(holder.app).asked(), holder.key.prove("POST", "/oauth/par")

    def push(**changed: str) -> int:
        return holder.app.post("/oauth/par", headers={"DPoP": proof}, **asked | changed).status_code

    assert push(redirect_uri="https://evil.example/") == 400
    assert push(state="x" * pushed.MAX_LENGTH) == 413
    with monkeypatch.context() as full:
        full.setattr(pushed, "_pushes", PlaceThrottle("in a test", "0 per 10 minutes"))
        assert push() == 429
    assert site.query("SELECT count(*) FROM spent_challenges") == [(before,)]
    assert (push(), push()) == (201, 400)


@pytest.mark.page
@pytest.mark.parametrize("name", ["x", "x" * 42, "x" * 44, "ä" * 43, "+" * 43])
def test_a_malformed_thumbprint_is_refused_before_the_user_is_asked(ada: Browser, web: App, name: str) -> None:
    answer = ada.get(Flow(web).path(dpop_jkt=name))
    assert led(answer)["error"] == "invalid_request"
    assert led(ada.get(Flow(web).path(dpop_jkt="", prompt="none")))["error"] == "consent_required"


@pytest.mark.page
@pytest.mark.parametrize("public", [True, False])
def test_an_app_that_has_to_prove_its_key_gets_nothing_without(site: Site, ada: Browser, *, public: bool) -> None:
    app = register_app(site, "Strict", public=public, dpop_bound_access_tokens=True)
    holder, flow = Holder(app), Flow(app)
    code = flow.allow(ada)
    answer = flow.exchange(code)
    assert (answer.status_code, fault(answer)) == (400, "invalid_dpop_proof")
    tokens = holder.exchange(flow, code).get_json()
    answer = app.refresh(tokens["refresh_token"])
    assert (answer.status_code, fault(answer)) == (400, "invalid_dpop_proof")
    assert holder.refresh(tokens["refresh_token"]).get_json()["token_type"] == "DPoP"


@pytest.mark.page
def test_the_operator_says_which_app_has_to_and_sees_it(site: Site, ada: Browser, web: App) -> None:
    tokens = Flow(web).connect(ada)
    assert site.run("clients", "change", web.id, "--dpop").exit_code == 0
    assert fault(web.refresh(tokens["refresh_token"])) == "invalid_dpop_proof"
    site.run("clients", "add", "Photos", "--dpop")
    listed = {one["name"]: one for one in json.loads(site.run("clients", "list", "--json").output)}
    assert [listed[name]["dpop_bound_access_tokens"] for name in ("Web", "Photos")] == [True, True]
    assert site.run("clients", "change", web.id, "--no-dpop").exit_code == 0
    assert web.refresh(tokens["refresh_token"]).get_json()["token_type"] == "Bearer"


@pytest.mark.page
def test_the_devices_page_says_that_an_app_is_bound_to_its_key(ada: Browser, holder: Holder) -> None:
    said = "bound to the app’s key"
    holder.connect(ada)
    assert said in ada.get("/devices").text
    assert [session["app"] for session in ada.sessions() if session["bound"]] == ["Page"]
    Flow(holder.app).connect(ada)  # one more tab, whose tokens are bound to nothing
    assert said not in ada.get("/devices").text
    assert not any(session["bound"] for session in ada.sessions())


@pytest.mark.page
def test_the_consent_page_says_that_an_app_asks_to_be_bound_to_its_key(ada: Browser, holder: Holder) -> None:
    said = "bound to the app’s key"
    assert said not in ada.get(Flow(holder.app).path()).text
    assert said in ada.get(Flow(holder.app).path(dpop_jkt=holder.key.jkt)).text


@pytest.mark.page
def test_introspection_says_to_which_key_a_token_is_bound(site: Site, ada: Browser, web: App) -> None:
    holder, api = Holder(web), register(site, "API", scope="introspect")
    access = holder.connect(ada)["access_token"]
    for asker in (web, api):
        said = asker.post("/oauth/introspect", token=access).get_json()
        assert (said["active"], said["token_type"], said["cnf"]) == (True, "DPoP", {"jkt": holder.key.jkt})
        assert "jkt" not in said
    said = web.post("/oauth/introspect", token=Flow(web).connect(ada)["access_token"]).get_json()
    assert (said["token_type"], "cnf" in said) == ("Bearer", False)


@pytest.mark.page
def test_to_give_a_bound_token_back_takes_no_key(ada: Browser, holder: Holder) -> None:
    """Not even of a thief: a copy that is given back is a copy less (RFC 7009)."""
    tokens = holder.connect(ada)
    assert holder.app.revoke(tokens["access_token"]).status_code == 200
    assert fault(holder.call(tokens["access_token"])) == "invalid_token"
    refreshed = holder.refresh(tokens["refresh_token"]).get_json()
    assert holder.app.revoke(refreshed["refresh_token"]).status_code == 200
    assert fault(holder.refresh(refreshed["refresh_token"])) == "invalid_grant"
    assert fault(holder.call(refreshed["access_token"])) == "invalid_token"


@pytest.mark.nodes
def test_sign_out_ends_bound_tokens_like_all_others_on_every_node(
    site: Site, other_node: Site, ada: Browser, holder: Holder
) -> None:
    tokens = holder.connect(ada)
    elsewhere = Holder(App(other_node, holder.app.id, None), holder.key)
    assert elsewhere.call(tokens["access_token"]).status_code == 200
    ada.sign_out()
    for each in (holder, elsewhere):
        assert fault(each.call(tokens["access_token"])) == "invalid_token"
        assert fault(each.refresh(tokens["refresh_token"])) == "invalid_grant"


@pytest.mark.nodes
def test_dpop_01_a_proof_that_one_node_has_seen_is_refused_by_every_other_and_a_nonce_is_good_on_all(
    site: Site, other_node: Site, ada: Browser, holder: Holder
) -> None:
    tokens = holder.connect(ada)
    there = App(other_node, holder.app.id, None)
    proof = holder.key.prove("GET", "/api/me", tokens["access_token"])
    assert present(there, tokens["access_token"], proof).status_code == 200
    assert fault(present(holder.app, tokens["access_token"], proof)) == "invalid_dpop_proof"
    again = holder.key.prove("POST", "/oauth/token")
    assert Holder(there, holder.key).refresh(tokens["refresh_token"], again).status_code == 200
    flow = Flow(holder.app)
    assert fault(holder.exchange(flow, flow.allow(ada), again)) == "invalid_dpop_proof"


@pytest.mark.stores("a race")
def test_dpop_01_one_of_eight_requests_with_the_same_proof_succeeds(site: Site, ada: Browser, holder: Holder) -> None:
    access = holder.connect(ada)["access_token"]
    for _ in range(50 if LONG else 5):
        proof = holder.key.prove("GET", "/api/me", access)
        with ThreadPoolExecutor(8) as threads:
            answers = list(threads.map(lambda _: present(holder.app, access, proof), range(8)))  # noqa: B023
        assert sorted(answer.status_code for answer in answers) == [200] + [401] * 7


@pytest.mark.stores("a race")
def test_dpop_01_an_exchange_or_a_refresh_with_the_same_proof_succeeds_and_not_both(
    site: Site, ada: Browser, holder: Holder
) -> None:
    """And neither waits for a lock that the other holds."""
    for number in range(50 if LONG else 5):
        if number % 5 == 0:  # each exchange begins a chain, and an app keeps ten
            token = holder.connect(ada)["refresh_token"]
        flow = Flow(holder.app)
        code, proof = flow.allow(ada), holder.key.prove("POST", "/oauth/token")
        acts = [partial(holder.exchange, flow, code, proof), partial(holder.refresh, token, proof)]
        with ThreadPoolExecutor(2) as threads:
            answers = list(threads.map(lambda act: act(), acts))
        assert sorted(answer.status_code for answer in answers) == [200, 400]
        token = holder.refresh(token).get_json()["refresh_token"]


@pytest.mark.page
@pytest.mark.parametrize(("behind", "status"), [(5, 200), (6, 401)])
def test_dpop_03_a_nonce_of_a_node_whose_clock_is_ahead_is_good_if_by_no_more_than_clocks_may_differ(
    site: Site, ada: Browser, holder: Holder, behind: int, status: int
) -> None:
    access = holder.connect(ada)["access_token"]
    site.wait(-behind)
    assert holder.call(access).status_code == status


@pytest.mark.page
def test_a_proof_is_remembered_for_as_long_as_any_node_could_take_it_and_then_purged(
    site: Site, ada: Browser, holder: Holder
) -> None:
    access = holder.connect(ada)["access_token"]
    proof = holder.key.prove("GET", "/api/me", access, iat=holder.key.claims("", "")["iat"] + 60)
    assert holder.call(access, proof).status_code == 200
    kept = "SELECT count(*) FROM spent_challenges"
    [(before,)] = site.query(kept)
    site.wait(MINUTES - 1)
    assert fault(present(holder.app, access, proof)) == "invalid_dpop_proof"
    site.wait(1)
    assert fault(present(holder.app, access, proof)) == "use_dpop_nonce"
    site.run("purge")
    assert site.query(kept) == [(before,)]
    site.wait(11)
    site.run("purge")
    assert site.query(kept) == [(0,)]


@pytest.mark.page
def test_no_more_proofs_are_kept_than_were_used_in_two_minutes(site: Site, ada: Browser, holder: Holder) -> None:
    for _ in range(3):
        token = holder.connect(ada)["access_token"]
        for _ in range(5):
            assert holder.call(token).status_code == 200
        site.wait(MINUTES + 11)
        holder.key.nonce = ""
    [(kept,)] = site.query("SELECT count(*) FROM spent_challenges")
    assert kept <= 6


@pytest.mark.page
def test_what_is_refused_is_not_kept(site: Site, ada: Browser, holder: Holder) -> None:
    access = holder.connect(ada)["access_token"]
    [(before,)] = site.query("SELECT count(*) FROM spent_challenges")
    thief = Holder(holder.app)
    thief.key.nonce = holder.key.nonce
    for _ in range(5):
        assert thief.call(access).status_code == 401
        assert holder.call("x").status_code == 401
        assert thief.refresh("x").status_code == 400
        assert holder.exchange(Flow(holder.app), "x").status_code == 400
    assert site.query("SELECT count(*) FROM spent_challenges") == [(before,)]


@pytest.mark.page
def test_behind_a_proxy_a_proof_names_the_public_address(
    open_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The values of Host and X-Forwarded-Host do not count: a client can choose them."""
    site = open_site(TRUSTED_PROXIES="1")
    holder = Holder(register_app(site, "Page", public=True))
    access = holder.connect(site.member())["access_token"]
    elsewhere = "http://inside.example:8080"
    client = site.app.test_client()
    for htu, status in (("http://localhost:8000/api/me", 200), (f"{elsewhere}/api/me", 401)):
        headers = {
            "Authorization": f"DPoP {access}",
            "DPoP": holder.key.prove("GET", "/api/me", access, htu=htu),
            "X-Forwarded-For": "203.0.113.7",
            "X-Forwarded-Host": "inside.example:8080",
            "X-Forwarded-Proto": "http",
        }
        assert client.get("/api/me", base_url=elsewhere, headers=headers).status_code == status


@pytest.mark.page
def test_an_app_in_a_browser_may_send_proofs_and_read_nonces(site: Site, ada: Browser) -> None:
    origin = "https://page.example"
    holder = Holder(register_app(site, "Page", public=True, redirect_uris=[f"{origin}/cb"]))
    for path in ("/oauth/token", "/oauth/userinfo", "/api/me"):
        asked = {"Origin": origin, "Access-Control-Request-Headers": "authorization,dpop"}
        asks = site.app.test_client().options(path, headers=asked)
        assert "DPoP" in asks.headers["Access-Control-Allow-Headers"].split(", ")
    proof = holder.key.prove("POST", "/oauth/token")
    answer = holder.app.post("/oauth/token", headers={"Origin": origin, "DPoP": proof}, grant_type="x", code="x")
    assert "DPoP-Nonce" in answer.headers["Access-Control-Expose-Headers"].split(", ")


def test_an_app_without_a_key_pays_no_statement_for_those_that_have_one(site: Site, ada: Browser, web: App) -> None:
    access, holder = Flow(web).connect(ada)["access_token"], Holder(web)
    bound = holder.connect(ada)["access_token"]
    site.browser().api(access)
    holder.call(bound)
    site.member("bea@example.org").sign_out()  # which waits until this node, too, has read so far
    with noting(site) as plain:
        assert alive(web, access)
    with noting(site) as proved:
        assert holder.call(bound).status_code == 200
    assert not [statement for statement in plain.statements if "spent_challenges" in statement]
    costs = 1 if is_postgresql(site) else 2
    assert len(proved.statements) - len(plain.statements) == costs, "a proof is kept, and an old one goes"


@pytest.mark.sqlite
def test_where_a_proof_cannot_be_noted_it_is_not_taken(site: Site, ada: Browser, holder: Holder) -> None:
    access = holder.connect(ada)["access_token"]
    proof = holder.key.prove("GET", "/api/me", access)
    site.app.config["BUSY_SECONDS"] = 0
    (site.folder / "signed-out.db").rename(site.folder / "elsewhere.db")
    assert present(holder.app, access, proof).status_code == 503
    (site.folder / "elsewhere.db").rename(site.folder / "signed-out.db")
    assert present(holder.app, access, proof).status_code == 200
