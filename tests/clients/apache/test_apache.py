"""mod_auth_openidc under a real Apache, by the configuration of docs/apps.md: sign-in, refresh, and sign-out from either side."""

from collections.abc import Iterator

import pytest

from tests.clients.apache.site import ApacheSite, Missing
from tests.clients.person import Person
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.page]


@pytest.fixture
def apache(server: Server) -> Iterator[ApacheSite]:
    try:
        site = ApacheSite(server)
    except Missing as missing:
        return pytest.fail(str(missing), pytrace=False)
    yield site
    site.close()


def test_a_person_signs_in_is_known_and_stays_so_by_refreshing(
    server: Server, apache: ApacheSite, person: Person
) -> None:
    assert not apache.knows(person)
    found = apache.sign_in(person)
    assert (found["id_token"]["sub"], found["userinfo"]["sub"]) == (person.id, person.id)
    assert (found["userinfo"]["name"], found["userinfo"]["email"]) == ("Ada", person.email)
    used = {found["access_token"]}
    for _ in range(3):
        apache.refresh(person)
        access = apache.look(person)["access_token"]
        assert server.api(access) == 200
        used.add(access)
    assert len(used) == 4
    assert apache.knows(person)


def test_a_person_who_signs_out_there_is_signed_out_here_too(
    server: Server, apache: ApacheSite, person: Person
) -> None:
    access = apache.sign_in(person)["access_token"]
    apache.sign_out(person)
    assert not apache.knows(person)
    assert server.api(access) == 401
    assert not person.is_signed_in()


def test_a_person_who_signs_out_here_is_signed_out_there_in_this_browser_alone(
    server: Server, apache: ApacheSite, person: Person, phone: Person
) -> None:
    here, there = apache.sign_in(person), apache.sign_in(phone)
    assert here["id_token"]["sid"] != there["id_token"]["sid"]
    person.sign_out()
    apache.wait_until_told(person)
    assert server.api(here["access_token"]) == 401
    assert apache.knows(phone), "the message ends that session only"
    assert server.api(there["access_token"]) == 200
    assert apache.sign_in(person)["id_token"]["sid"] != here["id_token"]["sid"], "the person can come back"


def test_sixty_sign_ins_of_one_person_sign_nobody_out(
    server: Server, apache: ApacheSite, person: Person, phone: Person
) -> None:
    there, found = apache.sign_in(phone), [apache.sign_in(person)]
    found += [apache.sign_in_again(person) for _ in range(59)]
    assert len({each["access_token"] for each in found}) == 60
    assert len({each["id_token"]["sid"] for each in found}) == 1
    assert apache.knows(phone)
    assert apache.look(phone)["id_token"]["sid"] == there["id_token"]["sid"]
    for browser in (phone, person):
        apache.refresh(browser)
    assert server.query("SELECT count(*) FROM logout_messages WHERE client_id = ?", apache.app.id) == [(0,)]
