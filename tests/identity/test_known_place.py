"""Known places: where an account signed in or up; a bounded number, for a bounded time, and from the first upgrade on."""

import importlib.util
from typing import Any

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import text

from app.config import DAY
from app.identity import known_place
from app.store.db import db
from tests.browsers import PASSWORD, Browser, Site
from tests.test_migrations import VERSIONS


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def places(site: Site) -> set[Any]:
    return {row.place for row in site.query("SELECT place FROM known_places")}


@pytest.mark.sqlite
def test_the_use_of_a_session_the_confirmation_and_a_change_of_password_make_no_place(site: Site, ada: Browser) -> None:
    thief = site.thief(ada.pocket())
    assert thief.is_signed_in()
    assert thief.post("/confirm", password=PASSWORD).status_code == 303
    assert thief.post("/account/password", current=PASSWORD, password="many more violet otters").status_code == 303
    assert places(site) == {"127.0.0.1"}


def test_an_account_has_so_many_places_and_those_of_longest_ago_go(site: Site, ada: Browser) -> None:
    bob = site.browser(address="198.51.100.9")
    bob.sign_up("bob@example.org")
    for number in range(known_place.MOST_NETWORKS):
        site.wait(1)
        assert site.browser(address=f"203.0.113.{number}").sign_in().status_code == 303
    expected = {f"203.0.113.{number}" for number in range(known_place.MOST_NETWORKS)}
    assert places(site) == expected | {"198.51.100.9"}, "the first of Ada's went, and no other user's"
    site.wait(1)
    assert site.browser(address="203.0.113.0").sign_in().status_code == 303, "no other place, but a newer sign-in"
    site.wait(1)
    assert site.browser(address="2001:db8:1:2::3").sign_in().status_code == 303
    assert places(site) == expected - {"203.0.113.1"} | {"2001:db8:1:2::/64", "198.51.100.9"}


@pytest.mark.sqlite
def test_a_place_is_forgotten_ninety_days_after_the_last_sign_in_there_purged_or_not(site: Site, ada: Browser) -> None:
    def is_known() -> bool:
        [(user_id,)] = site.query("SELECT id FROM users")
        with site.app.app_context():
            return known_place.is_known(user_id, "127.0.0.1")

    site.wait(90 * DAY - 1)
    assert is_known()
    ada.sign_in()
    site.wait(90 * DAY - 1)
    site.run("purge")
    assert is_known()
    site.wait(1)
    assert not is_known()
    site.run("purge")
    assert places(site) == set()


WRITTEN = [  # in the activity, by a version that kept what a proxy wrote: the address, and when
    ("192.0.2.1", 100),
    ("192.0.2.1", 300),
    ("192.0.2.1:49152", 200),
    ("::ffff:192.0.2.2", 100),
    ("[2001:db8::1]:443", 100),
    ("2001:db8::2", 400),
    ("fe80::1%eth0", 100),
    ("unknown", 900),
    ("", 900),
]


def migrate(site: Site) -> None:
    """Make the table again, as the migration does."""
    [path] = VERSIONS.glob("*_known_places.py")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec
    assert spec.loader
    migration = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(migration)
    with site.app.app_context(), db.engine.begin() as connection:
        connection.execute(text("DROP TABLE known_places"))
        with Operations.context(MigrationContext.configure(connection)):
            migration.upgrade()


@pytest.mark.stores("a migration")
def test_places_are_known_from_the_first_upgrade_on(site: Site, ada: Browser) -> None:
    site.browser().sign_up("bob@example.org")
    ids = {row.email.partition("@")[0]: row.id for row in site.query("SELECT id, email FROM users")}
    many = [(f"203.0.113.{number}", number) for number in range(30)]
    events = [("ada", "signed_in", *row) for row in WRITTEN] + [("bob", "signed_up", *row) for row in many]
    events += [("ada", "confirmed", "198.51.100.1", 100), ("nobody", "sign_in_failed", "198.51.100.1", 100)]
    with site.app.app_context(), db.engine.begin() as connection:
        connection.execute(text("DELETE FROM activity"))
        add = text("INSERT INTO activity (user_id, event, at, address) VALUES (:user_id, :event, :at, :address)")
        for who, event, address, at in events:
            connection.execute(add, {"user_id": ids.get(who, ""), "event": event, "at": at, "address": address})
    migrate(site)
    found = site.query("SELECT user_id, place, at FROM known_places")
    assert {(place, at) for user_id, place, at in found if user_id == ids["ada"]} == {
        ("192.0.2.1", 300),
        ("192.0.2.2", 100),
        ("2001:db8::/64", 400),
        ("fe80::/64", 100),
    }
    assert {place for user_id, place, at in found if user_id == ids["bob"]} == {address for address, _ in many[10:]}
    assert len(found) == 4 + known_place.MOST_NETWORKS
    assert site.browser().sign_in().status_code == 303, "the table takes new places"
