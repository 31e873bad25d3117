"""Status lists, as a verifier reads them that knows nothing else of us."""

import base64
import gzip
import hmac
import threading
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any

import jwt
import pytest
from sqlalchemy import event

from app import clock
from app.config import settings
from app.crypto import seal
from app.identity import status_list
from app.identity.status_list import SIZE, TTL, Status, pack
from app.store.db import db
from tests import backings, crowd, plans
from tests.browsers import ACCESS, SITE_URL, Browser, Site
from tests.conftest import LONG
from tests.oauth.conftest import App

pytestmark = pytest.mark.page

ONE_BIT = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1]
TWO_BITS = [1, 2, 0, 3, 0, 1, 0, 1, 1, 2, 3, 3]


def read(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def look_up(packed: bytes, index: int, bits: int) -> int:
    """Return the status at *index*, as section 4.1 says."""
    each = 8 // bits
    return zlib.decompress(packed)[index // each] >> index % each * bits & (1 << bits) - 1


@pytest.mark.parametrize(
    ("bits", "statuses", "content", "published"),
    [(1, ONE_BIT, "b9a3", "eNrbuRgAAhcBXQ"), (2, TWO_BITS, "c944f9", "eNo76fITAAPfAgc")],
)
def test_tsl_01_the_published_vectors(bits: int, statuses: list[int], content: str, published: str) -> None:
    packed = pack(dict(enumerate(statuses)), len(statuses), bits)
    assert zlib.decompress(packed).hex() == content == zlib.decompress(read(published)).hex()
    assert [look_up(read(published), index, bits) for index in range(len(statuses))] == statuses


TIMELESS: Any = {"verify_iat": False, "verify_exp": False}  # the clock of the site was moved


class Verifier:
    """A client that was given the issuer's address, and asks it for keys and lists only."""

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


def clock_of(site: Site) -> int:
    """Return the time of the site."""
    with site.app.app_context():
        return clock.now()


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def verifier(site: Site) -> Verifier:
    return Verifier(site)


@pytest.mark.stores("SQL of the list")
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


def test_tsl_04_a_verifier_that_reads_only_the_list_refuses_after_everything_was_ended(
    ada: Browser, verifier: Verifier
) -> None:
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


def test_tsl_02_tsl_05_the_list_is_served_with_its_type_and_times(ada: Browser, verifier: Verifier) -> None:
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


def test_an_unchanged_list_is_neither_read_nor_signed_again(site: Site, ada: Browser, verifier: Verifier) -> None:
    ada.sign_out()
    first = verifier.fetch("/status-lists/0")
    with plans.noting(site, "SELECT") as asked:
        second = verifier.fetch("/status-lists/0")
    assert second.data == first.data
    assert [statement for statement, _ in asked if "log_head" not in statement] == []
    known = verifier.fetch("/status-lists/0", **{"If-None-Match": first.headers["ETag"]})
    assert known.status_code == 304
    assert known.data == b""
    packed = verifier.fetch("/status-lists/0", **{"Accept-Encoding": "gzip"})
    assert packed.headers["ETag"] != first.headers["ETag"], "other bytes, another name"


def test_a_changed_list_is_another_at_once(site: Site, ada: Browser, verifier: Verifier) -> None:
    first = verifier.fetch("/status-lists/0")
    ada.sign_out()
    changed = verifier.fetch("/status-lists/0", **{"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200
    assert changed.data != first.data


def test_tsl_02_no_copy_is_older_than_it_says(site: Site, verifier: Verifier) -> None:
    for waited in range(TTL + 2):
        answer = verifier.fetch("/status-lists/0")
        claims = jwt.decode(answer.text, options={"verify_signature": False})
        may_be_kept = int(answer.headers["Cache-Control"].rpartition("=")[2])
        assert claims["iat"] <= clock_of(site) < claims["iat"] + claims["ttl"]
        assert clock_of(site) + may_be_kept == claims["iat"] + claims["ttl"], waited
        site.wait(1)


def test_a_list_is_signed_with_the_new_key_as_soon_as_the_old_one_is_withdrawn(site: Site, verifier: Verifier) -> None:
    verifier.fetch("/oauth/jwks")  # read again after half a minute
    site.run("keys", "rotate", "--at-once")
    site.wait(29)
    before = jwt.get_unverified_header(verifier.fetch("/status-lists/0").text)["kid"]
    site.wait(1)
    published = {key["kid"] for key in verifier.fetch("/oauth/jwks").get_json()["keys"]}
    assert before not in published
    assert jwt.get_unverified_header(verifier.fetch("/status-lists/0").text)["kid"] in published


def test_a_herd_of_verifiers_costs_one_list(site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    count = 12
    heads, made = threading.Semaphore(0), threading.Semaphore(0)

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        if "FROM log_head" in statement:
            heads.release()

    def pack_last(*given: Any) -> bytes:
        """Make the list when all requests have found theirs to be old."""
        made.release()
        assert all(heads.acquire(timeout=30) for _ in range(count))
        return pack(*given)

    monkeypatch.setattr(status_list, "pack", pack_last)
    ada.sign_out()
    with site.app.app_context():
        event.listen(db.engine, "before_cursor_execute", note)
    with ThreadPoolExecutor(count) as threads:
        answers = set(threads.map(lambda _: site.browser().get("/status-lists/0").data, range(count)))
    assert len(answers) == 1
    assert made.acquire(blocking=False)
    assert not made.acquire(blocking=False), "one list"


@pytest.mark.parametrize("sessions", [1_000, 1_000_000 if LONG else 20_000])
def test_what_an_unchanged_log_has_forgotten_is_never_read(
    site: Site, ada: Browser, verifier: Verifier, sessions: int
) -> None:
    """The plans, and with them the cost, are the same for any number of sessions."""
    ada.post("/devices/end-all")
    with backings.shell(site.folder) as raw:
        [(sid,)] = raw.execute("SELECT id FROM sessions").fetchall()
        crowd.copy_sessions(raw, sid, sessions, access_until="0")
    with plans.noting(site, "SELECT") as asked:
        verifier.fetch("/status-lists/0")
    for statement, plan in plans.explain(site.folder, asked):
        assert not plans.scans(plan), f"{statement}\n{plan}"


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


@pytest.mark.usefixtures("_context")
@pytest.mark.parametrize("opened", [1, 2, 1024, 1025, SIZE, SIZE + 1, 7 * SIZE + 5])
def test_a_place_is_the_one_that_nodes_of_older_versions_publish(opened: int) -> None:
    key = seal.derive(settings().secret_key, "places in status lists")
    number, place = divmod(opened - 1, SIZE)
    left, right = divmod(place, 1024)
    for turn in range(6):
        mixed = hmac.digest(key, f"{number} {turn} {right}".encode(), "sha256")
        left, right = right, left ^ int.from_bytes(mixed[:2]) % 1024
    assert status_list.index(opened) == left * 1024 + right


def test_tsl_09_a_session_keeps_its_place(ada: Browser) -> None:
    def place() -> Any:
        return jwt.decode(ada.pocket()[ACCESS], options={"verify_signature": False})["status"]

    first = place()
    ada.forget(ACCESS)
    ada.get("/account")
    assert place() == first
    ada.sign_in()
    assert place() != first
