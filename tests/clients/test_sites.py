"""Whole sites on libraries that were not written here, configured as docs/apps.md says: sign-in, refresh, sign-out from either side.

For every day on one of them; `make test-clients` installs the others.
"""

import os
from collections.abc import Iterator

import pytest

from tests.clients.person import Person
from tests.clients.site import CLIENTS, Site, begin
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.page]

FOUND = [CLIENTS[name] for name in (CLIENTS if os.environ.get("CLIENTS") == "all" else ["express-openid-connect"])]
ALL = [client.name for client in FOUND]
RENEWING = [client.name for client in FOUND if client.renews]
BY_BROWSER = [client.name for client in FOUND if client.renews and not client.shares]
TOLD = [client.name for client in FOUND if client.told]


@pytest.fixture(scope="module")
def site(server: Server, request: pytest.FixtureRequest) -> Iterator[Site]:
    try:
        found = begin(server, request.param)
    except FileNotFoundError as missing:
        return pytest.fail(str(missing), pytrace=False)
    yield found
    found.close()


def on(names: list[str]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("site", names, indirect=True, scope="module")


@on(ALL)
def test_a_person_signs_in_with_pkce_and_the_site_reads_userinfo(server: Server, site: Site, person: Person) -> None:
    assert site.look(person) is None
    found = site.sign_in(person)
    assert (found.sub, found.email) == (person.id, person.email)
    assert server.api(found.access) == 200
    asked = [address for address in person.led if "/oauth/authorize?" in address]
    assert asked
    assert all("code_challenge_method=S256" in address for address in asked)


@on(RENEWING)
def test_a_person_stays_signed_in_by_refreshing(server: Server, site: Site, person: Person) -> None:
    used = {site.sign_in(person).access}
    for _ in range(3):
        site.renew(person)
        found = site.look(person)
        assert found
        assert server.api(found.access) == 200
        used.add(found.access)
    assert len(used) == 4


@on(ALL)
def test_a_person_who_signs_out_there_is_signed_out_here_too(server: Server, site: Site, person: Person) -> None:
    found = site.sign_in(person)
    site.sign_out(person)
    assert site.look(person) is None
    assert server.api(found.access) == 401
    assert not person.is_signed_in()


@on(ALL)
def test_a_person_who_signs_out_here_is_signed_out_there_if_the_site_ever_asks(
    server: Server, site: Site, person: Person
) -> None:
    """Sites that never ask keep the person, with a token that is over: docs/apps.md says so of their libraries."""
    found = site.sign_in(person)
    person.sign_out()
    assert server.api(found.access) == 401
    site.learn(person)
    assert site.look(person) == (None if site.renews else found)
    back = site.sign_in(person)
    assert server.api(back.access) == 200, "the person can come back"


@on(BY_BROWSER)
def test_sign_out_reaches_the_site_in_this_browser_alone(
    server: Server, site: Site, person: Person, phone: Person
) -> None:
    here, there = site.sign_in(person), site.sign_in(phone)
    assert here.sid != there.sid
    person.sign_out()
    site.learn(person)
    assert site.look(person) is None
    assert site.look(phone) == there
    assert server.api(there.access) == 200
    site.renew(phone)
    assert site.look(phone), "the phone stays signed in"


@on(TOLD)
def test_sixty_sign_ins_of_one_person_sign_no_user_out(
    server: Server, site: Site, person: Person, phone: Person
) -> None:
    there = site.sign_in(phone)
    found = [site.sign_in(person) for _ in range(60)]
    assert len({each.access for each in found}) == 60
    assert len({each.sid for each in found}) == 1
    live = "SELECT count(*) FROM sessions WHERE client_id = ? AND user_id = ? AND ended_entry IS NULL"
    assert server.query(live, site.app.id, person.id) == [(2,)]
    assert site.look(phone) == there
    for browser in (phone, person):
        site.renew(browser)
    assert server.query("SELECT count(*) FROM logout_messages WHERE user_id = ?", person.id) == [(0,)]
