"""Status lists, as a verifier reads them that knows nothing else of us."""

import base64
import gzip
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import jwt
import pytest

from app.identity import status_list
from app.identity.status_list import SIZE, TTL
from app.revocation.checkers.status_list import Status, look_up, pack
from tests.browsers import ACCESS, SITE_URL, Browser, Site
from tests.oauth.conftest import App

pytestmark = pytest.mark.page

ONE_BIT = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
TWO_BITS = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]


def read(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


@pytest.mark.parametrize(
    ("bits", "statuses", "content", "published"),
    [(1, ONE_BIT, "b9a3", "eNrbuRgAAhcBXQ"), (2, TWO_BITS, "c944f9", "eNo76fITAAPfAgc")],
)
def test_tsl_01_the_published_vectors(bits: int, statuses: list[int], content: str, published: str) -> None:
    packed = pack(dict(enumerate(statuses)), len(statuses), bits)
    assert zlib.decompress(packed).hex() == content == zlib.decompress(read(published)).hex()
    assert [look_up(read(published), index, bits) for index in range(len(statuses))] == statuses


def test_tsl_06_a_place_outside_of_the_list_and_a_damaged_list_are_errors() -> None:
    packed = pack({}, 8)
    for outside in (8, -1):
        with pytest.raises(IndexError):
            look_up(packed, outside)
    with pytest.raises(ValueError, match="damaged"):
        look_up(b"nonsense", 0)


TIMELESS: Any = {"verify_iat": False, "verify_exp": False}  # the clock of the site was moved


class Verifier:
    """Somebody who was given the issuer's address, and asks it for keys and lists only."""

    def __init__(self, site: Site) -> None:
        self._browser = site.browser()

    def status(self, token: str) -> int:
        """Check a token as the draft says: the token first, then the list (section 8.3)."""
        claims = self._decode(token, "at+jwt", audience=SITE_URL)
        where = claims["status"]["status_list"]
        found = self._decode(self.fetch(where["uri"]).text, "statuslist+jwt")
        assert found["sub"] == where["uri"]
        return look_up(read(found["status_list"]["lst"]), where["idx"], found["status_list"]["bits"])

    def fetch(self, uri: str, **headers: str) -> Any:
        return self._browser.get(uri.removeprefix(SITE_URL), **headers)

    def _decode(self, token: str, kind: str, **more: Any) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        assert header["typ"] == kind
        [key] = [key for key in self.fetch("/oauth/jwks").get_json()["keys"] if key["kid"] == header["kid"]]
        found: dict[str, Any] = jwt.decode(token, jwt.PyJWK(key), algorithms=["ES256"], options=TIMELESS, **more)
        return found


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def verifier(site: Site) -> Verifier:
    return Verifier(site)


@pytest.mark.question("A14")
def test_tsl_04_a_verifier_that_reads_only_the_list_refuses_after_a_sign_out(
    site: Site, ada: Browser, verifier: Verifier
) -> None:
    bystander = ada.pocket()[ACCESS]
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    token = phone.pocket()[ACCESS]
    assert verifier.status(token) == Status.VALID
    phone.sign_out()
    assert verifier.status(token) == Status.INVALID
    assert verifier.status(bystander) == Status.VALID


def test_and_after_everything_was_ended(ada: Browser, verifier: Verifier) -> None:
    token = ada.pocket()[ACCESS]
    ada.post("/devices/end-all")
    assert verifier.status(token) == Status.INVALID
    ada.sign_in()
    assert verifier.status(ada.pocket()[ACCESS]) == Status.VALID


def test_a_single_revoked_token_suspends_its_session_until_it_has_expired(mail: App, verifier: Verifier) -> None:
    access, refresh = mail.grant()
    mail.revoke(access)
    assert verifier.status(access) == Status.SUSPENDED
    mail.site.wait(301)
    renewed = mail.refresh(refresh).get_json()["access_token"]
    assert verifier.status(renewed) == Status.VALID


def test_tsl_02_tsl_05_what_is_served(ada: Browser, verifier: Verifier) -> None:
    uri = jwt.decode(ada.pocket()[ACCESS], options={"verify_signature": False})["status"]["status_list"]["uri"]
    answer = verifier.fetch(uri)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/statuslist+jwt"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    claims = jwt.decode(answer.text, options={"verify_signature": False})
    assert claims["sub"] == uri
    assert claims["ttl"] == TTL > 0
    assert claims["exp"] > claims["iat"]
    packed = verifier.fetch(uri, **{"Accept-Encoding": "gzip"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert jwt.get_unverified_header(gzip.decompress(packed.data).decode())["typ"] == "statuslist+jwt"


def test_tsl_08_another_time_is_not_supported_and_another_list_is_not_there(verifier: Verifier) -> None:
    assert verifier.fetch("/status-lists/0?time=1686925000").status_code == 501
    assert verifier.fetch("/status-lists/1").status_code == 404


def test_tsl_10_the_lists_are_listed(verifier: Verifier) -> None:
    address = verifier.fetch("/.well-known/oauth-authorization-server").get_json()["status_list_aggregation_endpoint"]
    assert verifier.fetch(address).get_json() == {"status_lists": [f"{SITE_URL}/status-lists/0"]}


@pytest.fixture
def _context(site: Site) -> Iterator[None]:
    with site.app.app_context():
        yield


@pytest.mark.usefixtures("_context")
def test_tsl_09_no_place_is_given_twice_and_none_can_be_foreseen() -> None:
    places = [status_list.index(opened) for opened in range(1, 5001)]
    assert len(set(places)) == 5000
    assert all(0 <= place < SIZE for place in places)
    steps = {second - first for first, second in pairwise(places)}
    assert len(steps) > 4000
    assert [status_list.index(opened) for opened in range(SIZE + 1, SIZE + 101)] != places[:100]


def test_tsl_09_a_session_keeps_its_place(ada: Browser) -> None:
    def place() -> Any:
        return jwt.decode(ada.pocket()[ACCESS], options={"verify_signature": False})["status"]

    first = place()
    ada.forget(ACCESS)
    ada.get("/account")
    assert place() == first
    ada.sign_in()
    assert place() != first
