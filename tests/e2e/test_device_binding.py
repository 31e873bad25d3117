"""Sessions bound to their device, in a real Chromium over https: copies fail in a second one, and the owner notices nothing.

The keys are kept in software, for want of hardware. The browser's quota of six proofs in nine minutes is off, but where a
test is about it.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from playwright.sync_api import Browser, BrowserContext, Playwright, expect

from tests.browsers import ACCESS, PASSWORD, REFRESH
from tests.conftest import LONG
from tests.device import ASIDE, BOUND
from tests.e2e.conftest import Person, find_whole, switches
from tests.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.cluster]
LIFE = 4  # seconds, one of which the server waits longer than the browser
FEATURES = (
    "DeviceBoundSessions:RefreshQuota/false",
    "DeviceBoundSessionsDevTools",
    "EnableBoundSessionCredentialsSoftwareKeysForManualTesting",
)
PATIENCE = 60


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    running = Server(shared_instance, TLS="1", BOUND_SECONDS=str(LIFE), WORKERS="3")
    yield running
    running.stop()


def trusted(server: Server) -> str:
    """Name the key of the site's authority, as Chromium takes it."""
    authority = x509.load_pem_x509_certificate((server.folder / "tls" / "authority.pem").read_bytes())
    key = authority.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return base64.b64encode(hashlib.sha256(key).digest()).decode()


OpenProfile = Callable[..., Person]


@pytest.fixture
def open_profile(playwright_session: Playwright, server: Server, tmp_path: Path) -> Iterator[OpenProfile]:
    """Open a separate Chromium with a named profile that outlives it."""
    with ExitStack() as stack:

        def open_one(name: str, *, has_quota: bool = False) -> Person:
            features = ",".join(FEATURES).replace(":RefreshQuota/false", "" if has_quota else ":RefreshQuota/false")
            context = playwright_session.chromium.launch_persistent_context(
                tmp_path / name,
                executable_path=find_whole(),
                args=[
                    *switches(),
                    f"--enable-features={features}",
                    f"--ignore-certificate-errors-spki-list={trusted(server)}",
                ],
                base_url=server.url,
            )
            context.set_default_timeout(PATIENCE * 1000)
            stack.callback(context.close)
            return Person(context)

        yield open_one


@pytest.fixture
def eve(chromium: Browser, server: Server) -> Iterator[Person]:
    """A thief's browser. It is the Chromium without windows, which binds nothing and costs less."""
    with chromium.new_context(base_url=server.url, ignore_https_errors=True) as context:
        context.set_default_timeout(PATIENCE * 1000)
        yield Person(context)


def cookies(context: BrowserContext) -> dict[str, str]:
    return {found["name"]: found["value"] for found in context.cookies()}


def wait_until(person: Person, holds: Callable[[], bool], what: str) -> None:
    """Wait for an act of the browser that no page is told of."""
    until = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < until, what
        person.page.wait_for_timeout(50)


def await_binding(person: Person) -> None:
    wait_until(person, lambda: BOUND in cookies(person.context), "this Chromium registers no device-bound session")


def await_expiry(person: Person) -> None:
    person.page.goto("about:blank")  # no page of the site is open, which could renew it
    wait_until(person, lambda: BOUND not in cookies(person.context), "the bound cookie does not run out")


def is_in(person: Person) -> bool:
    """Go to a private page as users do: the browser renews its cookie if it must."""
    person.page.goto("/account")
    return urlsplit(person.page.url).path == "/account"


def copy(person: Person, thief: Person, *names: str) -> None:
    """Copy these cookies into another browser."""
    thief.context.clear_cookies()
    thief.context.add_cookies([found for found in person.context.cookies() if found["name"] in names])  # type: ignore[misc]


def events(server: Server, name: str) -> int:
    return int(server.query("SELECT count(*) FROM activity WHERE event = ?", name)[0][0])


@contextmanager
def no_alarm(server: Server) -> Iterator[None]:
    counted = ("refresh_reused", "proof_failed")
    before = [events(server, name) for name in counted]
    yield
    assert [events(server, name) for name in counted] == before


def test_a_copy_fails_in_a_second_browser_and_the_owner_notices_nothing(
    open_profile: OpenProfile, server: Server
) -> None:
    ada, eve = open_profile("ada"), open_profile("eve")
    ada.sign_up("copied@example.org")
    await_binding(ada)
    ada.page.goto("/devices")
    expect(ada.page.get_by_role("main")).to_contain_text("bound to this device")
    with no_alarm(server):
        copy(ada, eve, ACCESS, REFRESH)
        assert not is_in(eve)
        expect(eve.page.get_by_role("main")).to_contain_text("did not prove that it is the device")
        copy(ada, eve, ACCESS, REFRESH, BOUND)
        assert is_in(eve)  # for as long as the cookie lives, and no sensitive act: see below
        wait_until(eve, lambda: not is_in(eve), "a thief with all three stays in")
        await_expiry(ada)
        assert is_in(ada)
        await_expiry(ada)
        ada.page.goto("/live")  # out of scope: here nothing is renewed
        asked = "() => Promise.all(Array.from({length: 5}, () => fetch('/account').then(answer => answer.url)))"
        assert {address.rpartition("/")[2] for address in ada.page.evaluate(asked)} == {"account"}
        assert not is_in(eve)
        assert is_in(ada)


def test_a_link_of_another_site_finds_the_owner_signed_in_though_the_cookie_has_run_out(
    open_profile: OpenProfile, server: Server
) -> None:
    ada = open_profile("ada")
    ada.sign_up("linked@example.org")
    await_binding(ada)
    assert is_in(ada)
    await_expiry(ada)
    # For a request that a page of another site begins, Chromium renews no cookie.
    ada.page.goto(f"data:text/html,<a href='{server.url}/account'>Go</a>")
    ada.page.get_by_role("link").click()
    ada.page.wait_for_url(f"{server.url}/account")  # by way of a page that goes on by itself


def end_another(person: Person) -> str:
    """Press the button that ends another session; return where that leads."""
    person.page.goto("/devices")
    with person.page.expect_navigation():
        person.page.evaluate("document.querySelector('form[action$=\"/end\"]').requestSubmit()")
    return urlsplit(person.page.url).path


def test_a_sensitive_act_asks_the_device_and_a_thief_with_all_cookies_for_the_password(
    open_profile: OpenProfile, server: Server, eve: Person
) -> None:
    ada = open_profile("ada")
    ada.sign_up("acting@example.org")
    await_binding(ada)
    assert is_in(ada)
    for _ in range(3):
        server.sign_in("acting@example.org")
    copy(ada, eve, ACCESS, REFRESH, BOUND)
    assert end_another(ada) == "/devices"  # her device has proved itself meanwhile, and she noticed nothing
    expect(ada.page.get_by_role("status").first).to_contain_text("Ended")
    copy(ada, eve, ACCESS, REFRESH, BOUND, ASIDE)
    assert end_another(eve) == "/confirm"
    assert events(server, "session_ended") == 1
    assert end_another(ada) == "/confirm"  # a device is asked once in three minutes
    ada.page.get_by_label("Password", exact=True).fill(PASSWORD)
    ada.press("Confirm")
    assert urlsplit(ada.page.url).path == "/devices"
    assert events(server, "session_ended") == 2


def test_sign_out_ends_the_binding_in_the_browser_and_no_copy_comes_back(
    open_profile: OpenProfile, server: Server, eve: Person
) -> None:
    ada = open_profile("ada")
    ada.sign_up("leaving@example.org")
    await_binding(ada)
    assert is_in(ada)
    copy(ada, eve, ACCESS, REFRESH, BOUND)
    ada.sign_out()
    assert ada.heading() == "You are signed out"
    expect(ada.page.get_by_role("main")).to_contain_text("bound to this device")
    assert not {ACCESS, REFRESH, BOUND} & cookies(ada.context).keys()
    assert not is_in(eve)
    assert not is_in(ada)
    ada.sign_in("leaving@example.org")
    await_binding(ada)
    await_expiry(ada)
    assert is_in(ada)


def test_it_outlasts_a_restart_of_the_browser_and_of_the_server(open_profile: OpenProfile, server: Server) -> None:
    ada = open_profile("ada")
    ada.sign_up("staying@example.org")
    ada.sign_out()
    ada.sign_in("staying@example.org", keep=True)
    await_binding(ada)
    assert is_in(ada)
    server.stop()
    server.start()
    await_expiry(ada)
    assert is_in(ada)
    ada.context.close()
    ada = open_profile("ada")
    assert is_in(ada)
    await_expiry(ada)
    assert is_in(ada)


@pytest.fixture
def soon_renewed(server: Server) -> Iterator[int]:
    """A cookie so short that Chromium renews it at each page, and that lasts longer than the test."""
    server.stop()
    server.start(BOUND_SECONDS="100")
    yield 100
    server.stop()
    server.start(BOUND_SECONDS=str(LIFE))


def test_a_browser_that_may_prove_nothing_more_gives_the_password_and_in_the_end_signs_in_again(
    open_profile: OpenProfile, server: Server, soon_renewed: int
) -> None:
    ada = open_profile("ada", has_quota=True)
    ada.sign_up("quota@example.org")
    await_binding(ada)
    server.sign_in("quota@example.org")
    spent = "SELECT max(proofs) FROM sessions JOIN users ON users.id = user_id WHERE email = ?"
    for _ in range(12):
        assert is_in(ada)
    assert server.query(spent, "quota@example.org")[0][0] < 12  # the browser skips, by its quota
    assert end_another(ada) == "/confirm"
    ada.page.get_by_label("Password", exact=True).fill(PASSWORD)
    ada.press("Confirm")
    assert urlsplit(ada.page.url).path == "/devices"
    server.wait(soon_renewed)
    assert not is_in(ada)
    expect(ada.page.get_by_role("main")).to_contain_text("did not prove that it is the device")
    ada.sign_in("quota@example.org")
    assert is_in(ada)


@pytest.mark.skipif(not LONG, reason="takes ten minutes: `make test-long`")
def test_for_ten_minutes_with_its_quota_a_browser_stays_signed_in(open_profile: OpenProfile, server: Server) -> None:
    server.stop()
    server.start(BOUND_SECONDS="300")
    ada, eve = open_profile("ada", has_quota=True), open_profile("eve")
    ada.sign_up("long@example.org")
    await_binding(ada)
    assert is_in(ada)
    copy(ada, eve, ACCESS, REFRESH, BOUND)
    ends = time.monotonic() + 10 * 60
    with no_alarm(server):
        while time.monotonic() < ends:
            ada.page.wait_for_timeout(20_000)
            assert is_in(ada)
        assert not is_in(eve)
    server.stop()
    server.start(BOUND_SECONDS=str(LIFE))
