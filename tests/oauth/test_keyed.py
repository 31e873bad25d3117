"""A client that is registered with a key authenticates only by what it signs (RFC 7523)."""

import base64
import hmac
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from app.oauth import assertion as assertions
from tests.browsers import SITE_URL, Browser, Site
from tests.oauth.conftest import App, basic, register_app
from tests.oauth.flow import Flow, at
from tests.oauth.keyed import Keyed, Signer, key_file, register_keyed

ENDPOINTS = ("/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par")
ANYTHING = {"token": "x", "grant_type": "refresh_token"}


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def keyed(site: Site) -> Keyed:
    return register_keyed(site)


def is_refused(answer: TestResponse, words: str = "") -> bool:
    """Whether client authentication failed, and the answer says why in these *words*."""
    body = answer.get_json()
    return (answer.status_code, body["error"]) == (401, "invalid_client") and words in body["error_description"]


@pytest.mark.parametrize("algorithm", ["ES256", "PS256", "EdDSA", "Ed25519"])
def test_an_app_with_a_key_pushes_exchanges_refreshes_asks_and_revokes(
    site: Site, ada: Browser, algorithm: str
) -> None:
    app = register_keyed(site, key=Signer(algorithm))
    flow = Flow(app)
    address = at(app, flow.push().get_json()["request_uri"])
    answer = ada.post(address, decision="allow", sid=ada.session()["sid"])
    code = answer.headers["Location"].partition("code=")[2].partition("&")[0]
    tokens = app.refresh(flow.exchange(code).get_json()["refresh_token"]).get_json()
    assert app.post("/oauth/introspect", token=tokens["access_token"]).get_json()["active"]
    assert app.revoke(tokens["refresh_token"]).status_code == 200
    assert ada.api(tokens["access_token"]).status_code == 401


@pytest.mark.parametrize("path", ENDPOINTS)
def test_without_its_assertion_no_endpoint_takes_it_for_the_client(keyed: Keyed, path: str) -> None:
    assert is_refused(keyed.post(path, auth="none", client_id=keyed.id, **ANYTHING), "client_assertion")


@pytest.mark.parametrize("path", ENDPOINTS)
def test_a_client_with_a_key_that_presents_a_secret_is_refused(keyed: Keyed, path: str) -> None:
    for secret in ("", "guessed", json.dumps(keyed.key.public)):
        header = {"Authorization": basic(keyed.id, secret)}
        assert is_refused(keyed.post(path, auth="none", headers=header, **ANYTHING))
    assert is_refused(keyed.post(path, auth="none", client_id=keyed.id, client_secret="guessed", **ANYTHING))


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"aud": "https://other.example"}, "aud"),
        ({"aud": [SITE_URL, "https://other.example"]}, "aud"),
        ({"aud": f"{SITE_URL}/oauth/token"}, "aud"),
        ({"aud": None}, "aud"),
        ({"iss": "another"}, "iss"),
        ({"iss": None}, "iss"),
        ({"exp": None}, "exp"),
        ({"exp": "soon"}, "exp"),
        ({"exp": True}, "exp"),
        ({"exp": float("nan")}, "exp"),
        ({"exp": 0}, "exp"),
        ({"exp": 10**12}, "exp"),
        ({"iat": 10**12}, "iat"),
        ({"nbf": 10**12}, "nbf"),
        ({"nbf": "x"}, "nbf"),
        ({"jti": None}, "jti"),
        ({"jti": ""}, "jti"),
        ({"jti": 7}, "jti"),
        ({"jti": "x" * 300}, "jti"),
    ],
)
def test_a_claim_that_is_wrong_or_missing_is_refused_and_named(
    keyed: Keyed, changed: dict[str, Any], words: str
) -> None:
    assert is_refused(keyed.post("/oauth/revoke", client_assertion=keyed.assertion(**changed), token="x"), words)


def test_an_assertion_is_good_within_its_time(site: Site, keyed: Keyed) -> None:
    early, late = keyed.assertion(), keyed.assertion()
    site.wait(59)
    assert keyed.post("/oauth/revoke", client_assertion=early, token="x").status_code == 200
    site.wait(1)
    assert is_refused(keyed.post("/oauth/revoke", client_assertion=late, token="x"), "exp")


def test_a_clock_that_is_a_little_ahead_is_forgiven_and_an_audience_may_stand_in_a_list(keyed: Keyed) -> None:
    ahead = keyed.claims()["iat"] + assertions.AHEAD_SECONDS
    given = keyed.assertion(iat=ahead, nbf=ahead, aud=[SITE_URL])
    assert keyed.post("/oauth/revoke", client_assertion=given, token="x").status_code == 200


@pytest.mark.parametrize("path", ENDPOINTS)
def test_an_assertion_is_good_once_at_whichever_endpoint(keyed: Keyed, path: str) -> None:
    given = keyed.assertion()
    assert keyed.post("/oauth/revoke", client_assertion=given, token="x").status_code == 200
    assert is_refused(keyed.post(path, client_assertion=given, **ANYTHING), "jti")


@pytest.mark.nodes
def test_an_assertion_that_one_node_has_taken_is_refused_by_every_other(other_node: Site, keyed: Keyed) -> None:
    given = keyed.assertion()
    elsewhere = Keyed(other_node, keyed.id, None, keyed.key)
    assert keyed.post("/oauth/revoke", client_assertion=given, token="x").status_code == 200
    assert is_refused(elsewhere.post("/oauth/revoke", client_assertion=given, token="x"), "jti")


@pytest.mark.stores("a race")
def test_one_of_many_uses_of_an_assertion_at_once_succeeds(keyed: Keyed) -> None:
    given = keyed.assertion()
    with ThreadPoolExecutor(8) as pool:
        answers = pool.map(
            lambda _: keyed.post("/oauth/revoke", client_assertion=given, token="x").status_code, range(8)
        )
    assert sorted(answers) == [200] + [401] * 7


def test_its_use_is_remembered_for_as_long_as_any_node_would_take_it(site: Site, keyed: Keyed) -> None:
    given = keyed.assertion(exp=keyed.claims()["iat"] + assertions.MOST_SECONDS)
    assert keyed.post("/oauth/revoke", client_assertion=given, token="x").status_code == 200
    site.wait(assertions.MOST_SECONDS + 1)
    keyed.revoke("x")  # which forgets, in passing, what has run out
    site.wait(-3)
    assert is_refused(keyed.post("/oauth/revoke", client_assertion=given, token="x"), "jti")
    site.wait(60)
    assert "spent challenges: 1 forgotten" in site.run("purge").output


def test_another_client_may_have_the_same_jti(site: Site, keyed: Keyed) -> None:
    other = register_keyed(site, "Other")
    for app in (keyed, other):
        assert app.post("/oauth/revoke", client_assertion=app.assertion(jti="1"), token="x").status_code == 200


def test_an_assertion_signed_by_another_client_is_refused(site: Site, keyed: Keyed) -> None:
    other = register_keyed(site, "Other")
    pretends = other.key.sign(keyed.claims())
    assert is_refused(keyed.post("/oauth/revoke", client_assertion=pretends, token="x"))
    answer = keyed.post("/oauth/revoke", client_assertion=other.assertion(), client_id=keyed.id, token="x")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def part(found: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(found).encode()).rstrip(b"=").decode()


def unsigned(app: Keyed) -> str:
    return f"{part({'alg': 'none', 'typ': 'JWT'})}.{part(app.claims())}."


def signed_by_the_public_key(app: Keyed) -> str:
    """As if the public key, which anyone may know, were a secret."""
    content = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part(app.claims())}"
    mark = hmac.digest(json.dumps(app.key.public).encode(), content.encode(), sha256)
    return f"{content}.{base64.urlsafe_b64encode(mark).rstrip(b'=').decode()}"


def with_its_own_key(app: Keyed) -> str:
    thief = Signer()
    return thief.sign(app.claims(), jwk=thief.public)


FORGED: dict[str, Callable[[Keyed], str]] = {
    "no algorithm": unsigned,
    "HS256 by the public key": signed_by_the_public_key,
    "a key that it brings along": with_its_own_key,
    "a key at an address": lambda app: Signer().sign(app.claims(), jku="https://evil.example/keys"),
    "another algorithm": lambda app: Signer("PS256").sign(app.claims()),
    "another kind of token": lambda app: app.key.sign(app.claims(), typ="dpop+jwt"),
    "an extension that we do not know": lambda app: app.key.sign(app.claims(), crit=["exp"]),
    "a byte changed": lambda app: app.assertion()[:-8] + "AAAAAAAA",
    "a huge one": lambda app: app.assertion(more="x" * 5000),
    "no JWT": lambda app: "x.y.z",
    "nothing that is text": lambda app: "\u00e9\x00..",
    "no object": lambda app: f"{part({'alg': 'ES256'})}.{part([])}.x",  # type: ignore[arg-type]
    "of a lone surrogate": lambda app: app.assertion(iss="\ud800", sub="\ud800"),
    "of a lone surrogate, and unsigned": lambda _: f"{part({'alg': 'none'})}.{part({'sub': 'x' + chr(0xDFFF)})}.",
    "of a NUL": lambda app: app.assertion(iss="\0", sub="\0"),
}


@pytest.mark.parametrize("forge", FORGED.values(), ids=[*FORGED])
def test_a_forged_assertion_is_refused(keyed: Keyed, forge: Callable[[Keyed], str]) -> None:
    for client_id in ("", keyed.id):
        answer = keyed.post("/oauth/introspect", client_assertion=forge(keyed), client_id=client_id, token="x")
        assert answer.status_code in (400, 401)
        assert answer.get_json()["error"] in ("invalid_client", "invalid_request")


def test_more_than_one_way_at_once_is_refused_and_uses_nothing_up(keyed: Keyed, web: App) -> None:
    given = keyed.assertion()
    for more in (
        {"headers": {"Authorization": basic(keyed.id, "x")}},
        {"headers": {"Authorization": basic(web.id, web.secret or "")}},
        {"client_secret": "x"},
        {"client_id": web.id, "client_secret": web.secret or ""},
    ):
        answer = keyed.post("/oauth/revoke", client_assertion=given, token="x", **more)  # type: ignore[arg-type]
        assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")
    assert keyed.post("/oauth/revoke", client_assertion=given, token="x").status_code == 200


@pytest.mark.parametrize("kind", ["", "urn:ietf:params:oauth:client-assertion-type:saml2-bearer", "x"])
def test_an_assertion_of_another_kind_is_refused(keyed: Keyed, kind: str) -> None:
    answer = keyed.post("/oauth/revoke", client_assertion=keyed.assertion(), client_assertion_type=kind, token="x")
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_request")


def test_a_client_without_a_key_is_not_helped_by_an_assertion(site: Site, web: App, page_app: App) -> None:
    for app in (web, page_app):
        pretends = Keyed(site, app.id, None)
        assert is_refused(pretends.post("/oauth/revoke", token="x"))
        hashed = jwt.encode(
            pretends.claims(), app.secret or "x" * 32, "HS256"
        )  # client_secret_jwt, which is not offered
        assert is_refused(pretends.post("/oauth/revoke", client_assertion=hashed, token="x"))


def test_guessing_is_slowed_down_and_the_holder_of_the_key_never_is(keyed: Keyed) -> None:
    thief = Keyed(keyed.site, keyed.id, None)
    assert [thief.revoke("x").status_code for _ in range(52)][-3:] == [401, 429, 429]
    assert keyed.revoke("x").status_code == 200


def test_a_client_with_a_key_is_confidential(site: Site, ada: Browser, keyed: Keyed) -> None:
    tokens = Flow(keyed).connect(ada)
    assert tokens["refresh_token"]
    assert "code=" in ada.get(Flow(keyed).path()).headers["Location"], "it need not ask again"
    headers = {"Origin": "https://app.example"}
    assert "Access-Control-Allow-Origin" not in keyed.post("/oauth/revoke", headers=headers, token="x").headers


def test_the_metadata_says_how_a_client_may_sign(site: Site) -> None:
    described = site.browser().get("/.well-known/oauth-authorization-server").get_json()
    for endpoint in ("token", "revocation", "introspection"):
        assert "private_key_jwt" in described[f"{endpoint}_endpoint_auth_methods_supported"]
        signed = described[f"{endpoint}_endpoint_auth_signing_alg_values_supported"]
        assert set(signed) == {"ES256", "PS256", "EdDSA", "Ed25519"}


def add(site: Site, *words: str) -> dict[str, Any]:
    """Register an app as the operator does."""
    told = ("--redirect-uri", "https://app.example/callback", "--scope", "openid profile email")
    found: dict[str, Any] = json.loads(site.run("clients", "add", "Photos", *told, *words, "--json").output)
    return found


def test_the_operator_registers_the_public_keys_and_replaces_them_one_by_one(
    site: Site, ada: Browser, tmp_path: Path
) -> None:
    old, new = Signer(kid="2025"), Signer("PS256", kid="2026")
    made = add(site, "--jwks", key_file(tmp_path, old.public))
    assert made["client_secret"] is None
    first, second = (Keyed(site, made["client_id"], None, key) for key in (old, new))
    refresh = Flow(first).connect(ada)["refresh_token"]
    assert is_refused(second.revoke("x"))
    assert site.run("clients", "change", first.id, "--jwks", key_file(tmp_path, old.public, new.public)).exit_code == 0
    assert first.revoke("x").status_code == second.revoke("x").status_code == 200
    assert site.run("clients", "change", first.id, "--jwks", key_file(tmp_path, new.public)).exit_code == 0
    assert is_refused(first.revoke("x"))
    assert second.refresh(refresh).status_code == 200, "its sessions went on"
    [listed] = json.loads(site.run("clients", "list", "--json").output)
    assert (listed["token_endpoint_auth_method"], listed["keys"], listed["kind"]) == (
        "private_key_jwt",
        ["2026"],
        "confidential",
    )


def test_a_key_is_tried_by_its_name_alone_if_the_assertion_names_one(site: Site, keyed: Keyed) -> None:
    named = register_keyed(site, "Named", Signer(kid="mine"))
    assert named.revoke("x").status_code == 200
    nameless = Signer("ES256", private=named.key.private)
    assert named.post("/oauth/revoke", client_assertion=nameless.sign(named.claims()), token="x").status_code == 200
    other = Signer("ES256", kid="other", private=named.key.private)
    assert is_refused(named.post("/oauth/revoke", client_assertion=other.sign(named.claims()), token="x"))


def test_an_app_with_a_secret_goes_over_to_a_key_and_its_secret_is_no_longer_good(
    site: Site, ada: Browser, tmp_path: Path
) -> None:
    web, key = register_app(site, "Web"), Signer()
    refresh = Flow(web).connect(ada)["refresh_token"]
    assert site.run("clients", "change", web.id, "--jwks", key_file(tmp_path, key.public)).exit_code == 0
    assert is_refused(web.revoke("x"))
    assert Keyed(site, web.id, None, key).refresh(refresh).status_code == 200
    assert site.run("clients", "renew", web.id).exit_code == 1, "it has no secret any more"


def test_an_older_node_takes_an_app_with_a_key_for_one_with_a_secret_that_was_never_told(
    site: Site, web: App, tmp_path: Path
) -> None:
    """It knows no keys, and calls an app without a secret public: any program could then pass for that app."""
    known = dict(site.query("SELECT id, secret_hash FROM clients"))
    made = add(site, "--jwks", key_file(tmp_path, Signer().public))
    assert site.run("clients", "change", web.id, "--jwks", key_file(tmp_path, Signer().public)).exit_code == 0
    hashes = dict(site.query("SELECT id, secret_hash FROM clients"))
    assert made["client_secret"] is None
    assert hashes[made["client_id"]] is not None
    assert hashes[web.id] not in (None, known[web.id])
    assert site.run("clients", "renew", made["client_id"]).exit_code == 1


def test_a_public_app_gets_no_key(site: Site, page_app: App, tmp_path: Path) -> None:
    """Any program that claimed to be that app may have been let in."""
    path = key_file(tmp_path, Signer().public)
    assert site.run("clients", "change", page_app.id, "--jwks", path).exit_code == 1
    assert site.run("clients", "add", "Photos", "--public", "--jwks", path).exit_code == 1


def respelled(key: Signer, name: str) -> dict[str, Any]:
    """The public key with a zero byte before the number of this *name*."""
    number = base64.urlsafe_b64decode(key.public[name] + "==")
    return key.public | {name: base64.urlsafe_b64encode(b"\0" + number).rstrip(b"=").decode()}


WRONG: dict[str, Callable[[], Any]] = {
    "no JSON": lambda: "{",
    "no set": list,
    "a key alone": lambda: Signer().public,
    "no key": lambda: {"keys": []},
    "six keys": lambda: {"keys": [Signer().public for _ in range(6)]},
    "a text": lambda: {"keys": ["x"]},
    "a private key": lambda: {"keys": [Signer().secret]},
    "a secret": lambda: {"keys": [{"kty": "oct", "k": "eA"}]},
    "a key for something else": lambda: {"keys": [Signer().public | {"use": "enc"}]},
    "another algorithm": lambda: {"keys": [Signer("PS256").public | {"alg": "RS256"}]},
    "a name that is no text": lambda: {"keys": [Signer().public | {"kid": 7}]},
    "not on the curve": lambda: {"keys": [Signer().public | {"x": "AA"}]},
    "a coordinate with a zero before it": lambda: {"keys": [respelled(Signer(), "x")]},
    "bits beyond the last byte": lambda: {
        "keys": [(key := Signer().public) | {"y": key["y"][:-1] + chr(ord(key["y"][-1]) + 1)}]
    },
    "one key in two spellings": lambda: {"keys": [(key := Signer("PS256")).public, respelled(key, "n")]},
    "one key twice": lambda: {"keys": [Signer(private=KEY).public, Signer(private=KEY).public]},
    "one name twice": lambda: {"keys": [Signer(kid="a").public, Signer(kid="a").public]},
}
KEY = Signer().private


@pytest.mark.parametrize("wrong", WRONG.values(), ids=[*WRONG])
def test_a_set_that_makes_no_sense_is_refused_in_one_line(site: Site, tmp_path: Path, wrong: Callable[[], Any]) -> None:
    found = wrong()
    path = tmp_path / "keys.json"
    path.write_text(found if isinstance(found, str) else json.dumps(found))
    done = site.run("clients", "add", "Photos", "--jwks", str(path))
    assert (done.exit_code, done.output.count("\n")) == (1, 1)
    assert done.output.startswith("Error: ")
    assert site.run("clients", "list", "--json").output == "[]\n"


def test_a_file_that_is_not_there_is_named(site: Site) -> None:
    done = site.run("clients", "add", "Photos", "--jwks", "nowhere.json")
    assert done.exit_code == 1
    assert "nowhere.json" in done.output
