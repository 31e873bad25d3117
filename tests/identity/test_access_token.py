"""An access token is accepted only if it is ours, whole, of the right kind, and in time."""

import base64
import json
import socket
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from app import clock
from app.crypto import keys
from app.identity.access_token import Claims, VerifiedTokens
from tests.browsers import ACCESS, REFRESH, SITE_URL, Site

pytestmark = pytest.mark.page


@pytest.fixture
def token(site: Site) -> str:
    return site.member().pocket()[ACCESS]


def private(site: Site) -> ec.EllipticCurvePrivateKey:
    with site.app.app_context():
        return keys.access_keys().signing(clock.now()).private


def forge(site: Site, token: str, *, header: dict[str, Any] | None = None, **changes: Any) -> str:
    """Sign a changed copy of *token* with the site's own key; a claim set to None is left out."""
    claims = jwt.decode(token, options={"verify_signature": False}) | changes
    headers = jwt.get_unverified_header(token) | (header or {})
    kept = {name: value for name, value in claims.items() if value is not None}
    return jwt.encode(kept, private(site), "ES256", {name: value for name, value in headers.items() if value})


def status(site: Site, token: str) -> int:
    return site.browser().api(token).status_code


def test_jwt_01_02_it_follows_the_profile_of_rfc_9068(site: Site, token: str) -> None:
    header = jwt.get_unverified_header(token)
    claims = jwt.decode(token, options={"verify_signature": False})
    assert header == {
        "alg": "ES256",
        "typ": "at+jwt",
        "kid": site.browser().get("/oauth/jwks").get_json()["keys"][0]["kid"],
    }
    assert set(claims) == {
        "iss", "aud", "sub", "client_id", "scope", "sid", "jti", "opened", "iat", "exp", "status", "auth_time", "link",
        "amr", "acr",
    }  # fmt: skip
    assert claims["iss"] == SITE_URL
    assert claims["exp"] - claims["iat"] == 300


@pytest.mark.question("Q1")
def test_meta_07_anyone_can_verify_it_with_the_published_key(site: Site, token: str) -> None:
    published = site.browser().get("/oauth/jwks").get_json()
    assert set(published["keys"][0]) == {"kty", "crv", "x", "y", "kid", "use", "alg"}
    key = jwt.PyJWKSet.from_dict(published)[jwt.get_unverified_header(token)["kid"]]
    assert jwt.decode(token, key, algorithms=["ES256"], audience=SITE_URL, issuer=SITE_URL)["sid"]


def test_the_api_answers_whom_it_stands_for(site: Site, token: str) -> None:
    claims = jwt.decode(token, options={"verify_signature": False})
    answer = site.browser().api(token).get_json()
    assert answer == {name: claims[name] for name in ("sub", "sid", "client_id", "scope")}


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "http://elsewhere.example"},
        {"aud": "http://elsewhere.example"},
        {"aud": [SITE_URL]},
        {"exp": 1},
        {"exp": "tomorrow"},
        {"opened": None},
        {"opened": "1"},
        {"opened": True},
        {"jti": None},
        {"sid": None},
        {"sid": 7},
        {"sub": None},
        {"client_id": None},
        {"iat": None},
        {"exp": None},
        {"iss": None},
        {"aud": None},
        {"auth_time": "1"},
        {"auth_time": True},
        {"link": 7},
    ],
    ids=str,
)
def test_jwt_02_03_05_09_a_claim_that_is_wrong_or_missing_is_refused(
    site: Site, token: str, change: dict[str, Any]
) -> None:
    assert status(site, forge(site, token, **change)) == 401


@pytest.mark.parametrize(
    "header",
    [{"typ": "JWT"}, {"typ": "logout+jwt"}, {"typ": None}, {"kid": "another"}, {"kid": None}, {"crit": ["x"], "x": 1}],
    ids=str,
)
def test_jwt_01_06_07_a_token_of_another_kind_or_key_is_refused(site: Site, token: str, header: dict[str, Any]) -> None:
    assert status(site, forge(site, token, header=header)) == 401


def with_no_signature(site: Site, token: str) -> str:
    head, body, _ = token.split(".")
    plain = json.loads(base64.urlsafe_b64decode(head + "==")) | {"alg": "none"}
    return f"{base64.urlsafe_b64encode(json.dumps(plain).encode()).decode().rstrip('=')}.{body}."


def with_the_public_key_as_a_shared_secret(site: Site, token: str) -> str:
    public = private(site).public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    claims = jwt.decode(token, options={"verify_signature": False})
    header = jwt.get_unverified_header(token) | {"alg": "HS256"}
    signed = ".".join(
        base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in (header, claims)
    )
    mac = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256).sign(signed.encode(), pem)
    return f"{signed}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"


def with_a_strangers_key(site: Site, token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    return jwt.encode(claims, ec.generate_private_key(ec.SECP256R1()), "ES256", jwt.get_unverified_header(token))


def with_another_algorithm(site: Site, token: str) -> str:
    claims = jwt.decode(token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(token)["kid"]
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return jwt.encode(claims, key, "RS256", {"typ": "at+jwt", "kid": kid})


def with_one_letter_changed(site: Site, token: str) -> str:
    head, body, signature = token.split(".")
    changed = body[:40] + ("A" if body[40] != "A" else "B") + body[41:]
    return f"{head}.{changed}.{signature}"


def in_json_serialization(site: Site, token: str) -> str:
    head, body, signature = token.split(".")
    return json.dumps({"protected": head, "payload": body, "signature": signature})


def cut_short(site: Site, token: str) -> str:
    return token[:-10]


def far_too_long(site: Site, token: str) -> str:
    return token + "A" * 2**14


@pytest.mark.parametrize(
    "spoil",
    [
        with_no_signature,
        with_the_public_key_as_a_shared_secret,
        with_a_strangers_key,
        with_another_algorithm,
        with_one_letter_changed,
        in_json_serialization,
        cut_short,
        far_too_long,
    ],
    ids=lambda spoil: spoil.__name__,
)
@pytest.mark.filterwarnings("ignore::jwt.warnings.InsecureKeyLengthWarning")
def test_jwt_03_04_08_a_forged_token_is_refused(spoil: Callable[[Site, str], str], site: Site, token: str) -> None:
    assert status(site, token) == 200
    assert status(site, spoil(site, token)) == 401


def test_jwt_06_a_key_that_a_token_brings_along_or_points_to_is_never_looked_at(site: Site, token: str) -> None:
    own_key = ec.generate_private_key(ec.SECP256R1())
    claims = jwt.decode(token, options={"verify_signature": False})
    kid = jwt.get_unverified_header(token)["kid"]
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/keys"
        jwk = jwt.algorithms.ECAlgorithm.to_jwk(own_key.public_key(), as_dict=True)
        for brought in ({"jku": url}, {"x5u": url}, {"jwk": jwk}, {"kid": "' OR 1=1 --"}, {"kid": "../../dev/null"}):
            header = {"typ": "at+jwt", "kid": kid, **brought}
            assert status(site, jwt.encode(claims, own_key, "ES256", header)) == 401
        with pytest.raises(TimeoutError):
            listener.accept()


def test_it_dies_at_its_very_second(site: Site, token: str) -> None:
    site.wait(299)
    assert status(site, token) == 200
    site.wait(1)
    assert status(site, token) == 401


def test_it_never_outlives_its_session(site: Site) -> None:
    ada = site.member()
    site.wait(12 * 60 * 60 - 100)
    ada.get("/account")
    claims = jwt.decode(ada.pocket()[ACCESS], options={"verify_signature": False})
    assert claims["exp"] - claims["iat"] == 100


def test_the_cookie_alone_keeps_a_browser_signed_in_for_its_life(site: Site) -> None:
    ada = site.member()
    ada.forget(REFRESH)
    assert ada.is_signed_in()
    site.wait(300)
    assert not ada.is_signed_in()


def test_the_cache_of_verified_tokens_is_bounded_and_keeps_the_latest() -> None:
    cache = VerifiedTokens(size=2)
    claims = [Claims("", "", "", "", "", "", f"t{number}", 1, 0, 0) for number in range(3)]
    names = [VerifiedTokens.name(one.jti, "key") for one in claims]
    for name, one in zip(names, claims, strict=True):
        cache.put(name, one)
    assert [cache.get(name) for name in names] == [None, claims[1], claims[2]]


def test_the_cache_does_not_know_a_token_under_another_key() -> None:
    assert VerifiedTokens.name("token", "one key") != VerifiedTokens.name("token", "another key")
