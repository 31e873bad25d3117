"""Kinds of JWT: each is accepted in its own place, and nowhere else."""

from collections.abc import Callable

import jwt
import pytest

from app import clock
from app.crypto.keys import access_keys, identity_keys
from app.identity import id_token, status_list
from tests.browsers import SITE_URL, Browser, Site
from tests.oauth.conftest import App, alive
from tests.oauth.flow import Flow

KINDS = ("at+jwt", "JWT", "logout+jwt", "statuslist+jwt", "secevent+jwt", "dpop+jwt", "dbsc+jwt")
pytestmark = pytest.mark.page


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def in_place_of(kind: str, site: Site, web: App, tokens: dict[str, str], key: str) -> str:
    """What the site itself signs as *kind*; or the claims of every kind at once under that type, by either key."""
    with site.app.test_request_context(base_url=SITE_URL):
        if kind == "statuslist+jwt":
            return status_list.read(0).token
        given = {
            **jwt.decode(tokens["id_token"], options={"verify_signature": False}),
            **jwt.decode(tokens["access_token"], options={"verify_signature": False}),
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        }
        found = access_keys().signing(clock.now()) if key == "access" else identity_keys().signing(clock.now())
        return jwt.encode(given, found.private, found.algorithm, {"typ": kind, "kid": found.kid})


@pytest.mark.parametrize("key", ["access", "identity"])
@pytest.mark.parametrize("kind", KINDS)
def test_jwt_01_04_07_only_the_diagonal_is_accepted(site: Site, ada: Browser, web: App, kind: str, key: str) -> None:
    tokens = Flow(web).connect(ada)
    token = in_place_of(kind, site, web, tokens, key)
    accepts: dict[str, Callable[[], bool]] = {
        "the API": lambda: alive(web, token),
        "UserInfo": lambda: userinfo(site, token) == 200,
        "introspection": lambda: bool(web.post("/oauth/introspect", token=token).get_json()["active"]),
        "as a cookie": lambda: site.thief({"__Host-Http-access": token}).is_signed_in(),
        "as a hint": lambda: is_hint(site, token),
    }
    accepted = {place for place, accept in accepts.items() if accept()}
    expected = {("at+jwt", "access"): {"the API", "UserInfo", "introspection"}, ("JWT", "identity"): {"as a hint"}}
    assert accepted == expected.get((kind, key), set())


def test_jwt_02_an_id_token_names_the_user_the_time_the_method_and_the_audience(
    site: Site, ada: Browser, web: App
) -> None:
    flow = Flow(web)
    tokens = flow.connect(ada)
    jwks = jwt.PyJWKSet.from_dict(site.browser().get("/oauth/jwks").get_json())
    header = jwt.get_unverified_header(tokens["id_token"])
    key = next(key for key in jwks.keys if key.key_id == header["kid"])
    said = jwt.decode(tokens["id_token"], key, algorithms=["RS256"], audience=web.id, issuer=SITE_URL)
    access = jwt.decode(tokens["access_token"], options={"verify_signature": False})
    assert header["typ"] == "JWT"
    assert (said["nonce"], said["sub"], said["sid"], said["amr"]) == (flow.nonce, access["sub"], access["sid"], ["pwd"])
    assert said["auth_time"] <= said["iat"] < said["exp"]
    assert not {"email", "name"} & set(said)


def test_without_openid_there_is_no_id_token_and_without_a_nonce_none_comes_back(ada: Browser, web: App) -> None:
    assert "id_token" not in Flow(web, scope="profile").connect(ada)
    flow = Flow(web)
    plain = flow.exchange(flow.allow(ada, nonce=None)).get_json()
    assert "nonce" not in jwt.decode(plain["id_token"], options={"verify_signature": False})


def test_each_app_knows_the_session_by_a_different_id(site: Site, ada: Browser, web: App, page_app: App) -> None:
    found = [Flow(app).connect(ada)["access_token"] for app in (web, page_app)]
    sids = {jwt.decode(token, options={"verify_signature": False})["sid"] for token in found}
    assert len(sids | {ada.session()["sid"]}) == 3


def test_meta_07_each_published_key_has_one_algorithm_and_nothing_private(site: Site) -> None:
    keys = site.browser().get("/oauth/jwks").get_json()["keys"]
    assert sorted((key["kty"], key["alg"], key["use"]) for key in keys) == [
        ("EC", "ES256", "sig"),
        ("RSA", "RS256", "sig"),
    ]
    assert not [name for key in keys for name in key if name in ("d", "p", "q", "dp", "dq", "qi", "k")]
    assert len({key["kid"] for key in keys}) == 2


@pytest.mark.parametrize("token", ["", "x", "a.b.c", "x" * 5000, "é"])
def test_a_token_of_another_kind_is_no_hint(site: Site, token: str) -> None:
    assert not is_hint(site, token)


def is_hint(site: Site, token: str) -> bool:
    with site.app.test_request_context(base_url=SITE_URL):
        return id_token.read(token) is not None


def userinfo(site: Site, token: str) -> int:
    client = site.app.test_client()
    return client.get("/oauth/userinfo", base_url=SITE_URL, headers={"Authorization": f"Bearer {token}"}).status_code
