"""A whole site on express-openid-connect: its people sign in and out there, and nobody is thrown out who did not."""

from collections.abc import Iterator

import pytest

from tests.clients.express_site import ExpressSite
from tests.clients.person import Person
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.page]


@pytest.fixture
def express(server: Server) -> Iterator[ExpressSite]:
    site = ExpressSite(server)
    yield site
    site.close()


def rows(server: Server, express: ExpressSite) -> int:
    """How many sessions it holds of anybody."""
    counted = "SELECT count(*) FROM sessions WHERE client_id = ? AND ended_entry IS NULL"
    found: int = server.query(counted, express.app.id)[0][0]
    return found


def test_a_person_signs_in_is_known_and_stays_so_by_refreshing(
    server: Server, express: ExpressSite, person: Person
) -> None:
    user = express.sign_in(person)
    assert user["sub"] == person.id
    who = express.look(person, "/who")
    assert (who["name"], who["email"]) == ("Ada", person.email)
    used = {express.look(person)["access"]}
    for _ in range(3):
        access = express.refresh(person)
        assert server.api(access) == 200
        used.add(access)
    assert len(used) == 4
    assert express.look(person)["user"] == user


def test_a_person_who_signs_out_there_is_signed_out_here_too(
    server: Server, express: ExpressSite, person: Person
) -> None:
    express.sign_in(person)
    access = express.look(person)["access"]
    express.sign_out(person)
    assert express.look(person)["user"] is None
    assert server.api(access) == 401
    assert not person.is_signed_in()


def test_a_person_who_signs_out_here_is_signed_out_there_in_this_browser_alone(
    server: Server, express: ExpressSite, person: Person, phone: Person
) -> None:
    here, there = express.sign_in(person), express.sign_in(phone)
    assert here["sid"] != there["sid"]
    access = express.look(person)["access"]
    person.sign_out()
    assert express.wait_until_told() == f"{server.url}|{here['sid']}"
    assert express.look(person)["user"] is None
    assert server.api(access) == 401
    assert express.look(phone)["user"] == there, "the message ends that session only"
    assert server.api(express.look(phone)["access"]) == 200
    assert express.sign_in(person)["sid"] != here["sid"], "and whoever was signed out can come back"


def test_of_sixty_sign_ins_of_one_person_none_throws_anybody_out(
    server: Server, express: ExpressSite, person: Person, phone: Person
) -> None:
    there, sids = express.sign_in(phone), set()
    for _ in range(60):
        sids.add(express.sign_in(person)["sid"])
    assert len(sids) == 1
    assert rows(server, express) == 2
    assert express.look(phone)["user"] == there
    for browser in (phone, person):
        express.refresh(browser)
    assert server.query("SELECT count(*) FROM logout_messages WHERE client_id = ?", express.app.id) == [(0,)]
    assert express.close() == "", "it was told nothing"
