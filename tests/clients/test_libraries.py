"""Clients by other authors, with the issuer's address and no other: they sign a user in, and it ends when it should."""

import pytest

from tests.clients.library import App, Library, Refused
from tests.clients.person import Person

pytestmark = [pytest.mark.server, pytest.mark.page]


def test_from_discovery_to_revocation_and_no_refresh_afterwards(library: Library, app: App, person: Person) -> None:
    claims = library.arrive(person.decide(library.ask()))
    assert (claims["iss"], claims["sub"], claims["aud"]) == (app.issuer, person.id, app.id)
    expected = {"sub": person.id, "name": "Ada", "email": person.email, "email_verified": False}
    assert library.userinfo() == expected
    assert library.call_api() == 200
    library.refresh()
    assert library.userinfo() == expected
    library.refresh()
    assert library.call_api() == 200

    library.revoke()
    with pytest.raises(Refused, match="invalid_grant"):
        library.refresh()
    assert library.call_api() == 401


def test_a_person_who_signs_out_at_the_site_is_signed_out_of_the_app(library: Library, person: Person) -> None:
    library.arrive(person.decide(library.ask()))
    assert library.call_api() == 200
    person.sign_out()
    assert library.call_api() == 401
    with pytest.raises(Refused, match="invalid_grant"):
        library.refresh()


def test_a_person_who_says_no_is_led_back_with_nothing(library: Library, person: Person) -> None:
    with pytest.raises(Refused, match="access_denied"):
        library.arrive(person.decide(library.ask(), "deny"))


@pytest.mark.parametrize("app", [[]], ids=["with a secret"], indirect=True)
def test_introspection_says_when_it_is_over(library: Library, person: Person) -> None:
    library.arrive(person.decide(library.ask()))
    assert library.is_active()
    library.revoke()
    assert not library.is_active()
