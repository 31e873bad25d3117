"""Two real browsers while PostgreSQL is away and comes back: what was answered holds, and no other user is signed out."""

from collections.abc import Iterator

import pytest

from tests.backings import Backing, postgresql
from tests.browsers import ACCESS, REFRESH, Pocket, Site
from tests.cluster import accepted
from tests.e2e.conftest import OpenBrowser, Person
from tests.faults.test_faults import until
from tests.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.server]
FORGOTTEN = "This browser has forgotten you, but the server has not"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("restart") / "instance"
    home.mkdir(mode=0o700)
    backing = Backing("postgresql")
    backing.furnish(home)
    Site(home).close()
    running = Server(home, WORKERS="2")
    yield running
    running.stop()
    backing.remove(home)


def tokens(person: Person) -> Pocket:
    return {one["name"]: one["value"] for one in person.context.cookies() if one["name"] in (ACCESS, REFRESH)}


def two(open_browser: OpenBrowser, email: str) -> tuple[Person, Person]:
    laptop, phone = open_browser(), open_browser("Chrome on Android")
    laptop.join(email)
    phone.sign_in(email)
    return laptop, phone


def come_back(server: Server) -> None:
    postgresql().start()
    until(lambda: server.ask("GET", "/readyz", {})[0] == 200)


def test_sign_out_that_finds_no_database_says_so_and_holds_once_it_is_told(
    server: Server, open_browser: OpenBrowser
) -> None:
    laptop, phone = two(open_browser, "ada@example.org")
    old = tokens(laptop)
    postgresql().kill()
    try:
        laptop.sign_out()
        assert laptop.heading() == FORGOTTEN
        assert not tokens(laptop)
        until(lambda: server.api(old[ACCESS]) == 503)  # past its lease, a node that cannot know accepts nothing
    finally:
        come_back(server)
    assert phone.is_signed_in()
    laptop.page.get_by_role("main").get_by_role("button").click()
    laptop.page.wait_for_url("**/signed-out")
    assert accepted(server, old) == []
    assert laptop.page.get_by_text("The server ended its session").is_visible()
    assert phone.is_signed_in()


def test_an_end_to_the_others_that_finds_no_database_is_sent_again_and_acts_once(
    server: Server, open_browser: OpenBrowser
) -> None:
    laptop, phone = two(open_browser, "bob@example.org")
    old = tokens(phone)
    laptop.page.goto("/devices")
    postgresql().kill()
    try:
        laptop.press("End the others")
        assert laptop.heading() == "The database does not answer"
    finally:
        come_back(server)
    assert laptop.is_signed_in()
    assert phone.is_signed_in(), "nothing was done, and nothing was said to be"
    laptop.page.reload()  # which sends the form again
    laptop.page.wait_for_url("**/devices?done=*")
    assert accepted(server, old) == []
    assert laptop.is_signed_in()
    count = "SELECT count(*) FROM activity WHERE event IN ('session_ended', 'others_ended')"
    assert server.query(count) == [(1,)]
