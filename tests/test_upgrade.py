"""A database of the first version, with people and sessions in it, becomes one of today, and no user notices."""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import TypeVar

import pytest
from alembic.migration import MigrationContext
from alembic.operations import Operations
from sqlalchemy import Engine, event, text

from app import clock
from app.identity import demo, emails, users
from app.revocation import log
from app.revocation.entries import Scope
from app.store import sqlite
from app.store.db import db, writing
from tests import backings
from tests.browsers import Site
from tests.oauth.conftest import App, register
from tests.web.own_data import confirmation

pytestmark = pytest.mark.stores("migrations, and older nodes")
T, U = TypeVar("T"), TypeVar("U")
BOUND = ("device_key", "bound_at", "proofs", "asked_for", "asked_at")
COLUMNS = {
    "users": (
        "is_admin",
        "mailbox",
        "email_is_folded",
        "totp",
        "totp_step",
        "verified_at",
        "lost",
        "made_in",
        "deleted_at",
    ),
    "activity": ("amr", "notice"),
    "refresh_tokens": ("link", "auth_time", "chain", "scope", "stopped_at", "ends_at", "amr", "jkt"),
    "sessions": ("parent_id", "places", "warned", "chains", "began_as", "amr", *BOUND),
    "log_head": ("cut_from",),
    "clients": (
        "redirect_uris",
        "post_logout_redirect_uris",
        "backchannel_logout_uri",
        "may_be_private",
        "grant_types",
        "require_pushed_authorization_requests",
        "dpop_bound_access_tokens",
        "jwks",
    ),
}
INDEXES = (
    "activity_of_reuse",
    "log_entries_until",
    "refresh_tokens_by_link",
    "refresh_tokens_by_successor",
    "refresh_tokens_of_chains",
    "sessions_by_ending",
    "sessions_by_expiry",
    "sessions_of_parent",
    "users_by_age",
    "users_by_deleted_at",
    "users_by_lost",
    "users_by_made_in",
    "users_by_mailbox",
)


def first_version(site: Site) -> None:
    """Take everything away that came after the first version, and put back what has gone since."""
    with site.app.app_context():
        with db.engine.begin() as connection:
            since = ("log_leaves", "log_tiles", "log_checkpoints", "nodes", "signing_keys", "lab_rooms", "lab_visitors")
            apps = ("authorization_codes", "consents", "logout_messages")
            for table in (
                *since,
                *apps,
                "recovery_codes",
                "half_sign_ins",
                "passkeys",
                "spent_challenges",
                "pushed_requests",
                "links",
                "mails",
                "forms_sent",
                "known_places",
                "lab_log",
                "lab_log_head",
            ):
                connection.execute(text(f"DROP TABLE {table}"))
            for index in INDEXES:
                connection.execute(text(f"DROP INDEX {index}"))
            connection.execute(text("CREATE INDEX ix_refresh_tokens_successor ON refresh_tokens (successor)"))
            on = " ON log_head" if connection.dialect.name == "postgresql" else ""
            connection.execute(text(f"DROP TRIGGER log_head_update{on}"))
            for table, columns in COLUMNS.items():
                for column in columns:
                    connection.execute(text(f"ALTER TABLE {table} DROP COLUMN {column}"))
            connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
        db.engine.dispose()


def test_people_stay_signed_in_and_what_was_ended_stays_ended(site: Site, instance: Path) -> None:
    ada, bob = site.member(), site.member("bob@example.org")
    left = bob.pocket()
    bob.sign_out()
    pocket = ada.pocket()
    mail = register(site, "Mail")
    held = mail.grant("mail")[1]
    with site.app.app_context(), writing():
        for number in range(300):  # so that a tile is full
            log.revoke(Scope.TOKEN, f"t{number}", until=0, reason="why")
    first_version(site)

    upgraded = Site(instance)
    try:
        assert upgraded.thief(pocket).is_signed_in()
        assert not upgraded.thief(left).is_signed_in()
        renewed = App(upgraded, mail.id, mail.secret).refresh(held).get_json()
        assert renewed["scope"] == "mail"
        chains = "SELECT DISTINCT client_id, chain, refresh_tokens.scope FROM refresh_tokens JOIN sessions ON id = session_id"
        assert set(upgraded.query(chains)) == {("signed-out", None, None), (mail.id, 0, "mail")}
        audit = upgraded.app.test_cli_runner().invoke(args=["log", "verify"])
        assert audit.exit_code == 0, audit.output
        assert upgraded.query("SELECT count(*) FROM log_tiles") == [(1,)]
        assert upgraded.browser().get("/log/checkpoint").status_code == 200
    finally:
        upgraded.close()


OLDER, YOUNGER = "jos\u00e9@example.org", "jose\u0301@example.org"
FOLDED = {"wei\u00df@example.org": "weiss@example.org", "\u00c4RGER@fa\u00df.example": "\u00e4rger@fass.example"}


def before_mailboxes(site: Site) -> None:
    """Keep addresses as they were kept: in lower case, and two spellings of one mailbox in two accounts."""
    of_old = {**FOLDED, "older@example.org": OLDER, "younger@example.org": YOUNGER}
    with site.app.app_context():
        with db.engine.begin() as connection:
            for email, kept in of_old.items():
                connection.execute(
                    text("UPDATE users SET email = :kept WHERE email = :email"), {"kept": kept, "email": email}
                )
            late = {"kept": YOUNGER, "later": clock.now() + 60}
            connection.execute(text("UPDATE users SET created_at = :later WHERE email = :kept"), late)
        db.engine.dispose()
    first_version(site)


def test_every_account_stays_and_is_found_as_its_owner_types_its_address(
    site: Site, instance: Path, caplog: pytest.LogCaptureFixture
) -> None:
    passwords = {name: f"{name} walruses" for name in ("quiet", "violet")}
    for address in FOLDED:
        site.browser().sign_up(address)
    site.browser().sign_up("younger@example.org", passwords["violet"])
    site.browser().sign_up("older@example.org", passwords["quiet"])
    before_mailboxes(site)

    upgraded = Site(instance)
    try:
        for typed, kept in FOLDED.items():
            for spelling in (typed, kept):
                assert upgraded.browser().sign_in(spelling).status_code == 303, spelling
            assert "has an account already" in upgraded.browser().sign_up(typed).text
        for spelling, password in (
            (OLDER, "quiet"),
            (YOUNGER, "violet"),
            ("Jos\u00e9@example.org", "quiet"),
            ("JOSE\u0301@example.org", "violet"),
        ):
            assert upgraded.browser().sign_in(spelling, passwords[password]).status_code == 303, spelling
        assert "has an account already" in upgraded.browser().sign_up("jos\u00e9@EXAMPLE.org").text
        assert "1 accounts have the mailbox of an older account" in caplog.text
        listed = upgraded.run("users", "collisions").output
        assert listed.count("\n") == 1
        assert re.search(rf"{YOUNGER}  has the mailbox of \S+  {OLDER}", listed)
        assert upgraded.query("SELECT count(*) FROM users") == [(4,)]
    finally:
        upgraded.close()


ON_AN_OLDER_NODE = (
    "INSERT INTO users (id, email, name, password_hash, password_version, created_at, is_admin)"
    " SELECT :email, :email, name, password_hash, password_version, created_at + :later, is_admin"
    " FROM users WHERE email = 'ada@example.org'"
)


def sign_up_on_an_older_node(site: Site, *emails: str) -> None:
    """Make accounts as code from before there were mailboxes does: it knows no such column."""
    site.member("ada@example.org")
    with site.app.app_context(), writing():
        for later, email in enumerate(emails):
            db.session.execute(text(ON_AN_OLDER_NODE), {"email": email, "later": later})


def mailboxes(site: Site) -> dict[str, str | None]:
    return dict(site.query("SELECT email, mailbox FROM users WHERE email <> 'ada@example.org'"))


@pytest.mark.parametrize(
    ("kept", "other"),
    [
        ("bob@example.org", "Bob@Example.org"),
        ("jos\u00e9@example.org", "Jose\u0301@example.org"),
        ("bob@m\u00fcnchen.example", "bob@xn--mnchen-3ya.example"),
        ("bob@xn--mnchen-3ya.example", "BOB@M\u00fcnchen.example"),
    ],
    ids=ascii,
)
def test_an_account_that_an_older_node_makes_has_its_mailbox_for_itself(
    site: Site, instance: Path, kept: str, other: str
) -> None:
    sign_up_on_an_older_node(site, kept)
    for spelling in (kept, other):
        assert "has an account already" in site.browser().sign_up(spelling).text, spelling
        assert site.browser().sign_in(spelling).status_code == 303, spelling
    assert mailboxes(site) == {kept: None}
    again = Site(instance)
    try:
        assert mailboxes(again) == {kept: emails.mailbox(kept)}
        assert again.browser().sign_in(other).status_code == 303
        assert not again.run("users", "collisions").output
    finally:
        again.close()


def test_the_older_of_two_accounts_that_an_older_node_makes_has_the_mailbox(site: Site, instance: Path) -> None:
    sign_up_on_an_older_node(site, OLDER, YOUNGER)
    with site.app.app_context():
        assert [users.find(spelling).email for spelling in (OLDER, YOUNGER, "Jos\u00e9@EXAMPLE.org")] == [  # type: ignore[union-attr]
            OLDER,
            YOUNGER,
            OLDER,
        ]
    before = site.run("users", "collisions").output
    assert re.fullmatch(rf"{YOUNGER}  {YOUNGER}  has the mailbox of {OLDER}  {OLDER}\n", before)
    again = Site(instance)
    try:
        assert mailboxes(again) == {OLDER: emails.mailbox(OLDER), YOUNGER: None}
        assert again.run("users", "collisions").output == before
    finally:
        again.close()


def test_a_demo_account_that_an_older_node_makes_is_opened_and_closed_as_any_other(
    site: Site, open_site: Callable[..., Site]
) -> None:
    sign_up_on_an_older_node(site, *demo.ACCOUNTS)
    site.run("users", "seed")
    guest = site.browser()
    assert guest.sign_in("Eve@Workshop.example", demo.PASSWORD).status_code == 303
    assert mailboxes(site) == dict.fromkeys(demo.ACCOUNTS)
    open_site(WORKSHOP="0")
    assert not guest.is_signed_in()
    for address in demo.ACCOUNTS:
        assert site.browser().sign_in(address, demo.PASSWORD).status_code == 422


def runs(site: Site) -> list[tuple[str, str]]:
    return [(row.id, row.run) for row in site.query("SELECT id, run FROM lab_visitors")]


def test_a_visitor_of_the_lab_finds_their_run_in_the_renamed_table(site: Site) -> None:
    ada = site.browser()
    ada.post("/lab/sign-in")
    ada.post("/lab/copy")
    before = runs(site)
    step = import_module("app.migrations.versions.0030_visitors")
    with site.app.app_context(), db.engine.begin() as connection:
        for name in ("ix_lab_visitors_room", "lab_visitors_by_age"):
            connection.execute(text(f"DROP INDEX {name}"))
        connection.execute(text("ALTER TABLE lab_visitors RENAME TO lab_benches"))
        connection.execute(text("CREATE INDEX ix_lab_benches_room ON lab_benches (room)"))
        connection.execute(text("CREATE INDEX lab_benches_by_age ON lab_benches (seen_at)"))
        with Operations.context(MigrationContext.configure(connection)):
            step.upgrade()
    assert runs(site) == before
    assert 'action="/lab/sign-out"' in ada.get("/lab").text


def before_fewer_pages(folder: Path) -> None:
    """Put back the indexes of old."""
    with backings.shell(folder) as raw:
        for index in ("activity_of_reuse", "refresh_tokens_by_link", "refresh_tokens_by_successor"):
            raw.execute(f"DROP INDEX {index}")
        for column in ("link", "successor"):
            raw.execute(f"CREATE INDEX ix_refresh_tokens_{column} ON refresh_tokens ({column})")
        raw.execute("CREATE INDEX activity_by_event ON activity (event, id)")
        raw.execute("CREATE INDEX activity_by_time ON activity (at)")
        raw.execute("CREATE INDEX sessions_of_client ON sessions (client_id)")
        raw.execute("UPDATE alembic_version SET version_num = '0032'")


def meet(folder: Path, first: Callable[[], T], statement: str, second: Callable[[], U]) -> tuple[T, U]:
    """Do *first* as far as a statement that begins so, *second* until it waits for a lock, then both to the end."""
    is_there, goes_on = threading.Event(), threading.Event()

    def stop(_connection: object, _cursor: object, sent: str, *_more: object) -> None:
        if sent.strip().startswith(statement):
            is_there.set()
            goes_on.wait()

    event.listen(Engine, "before_cursor_execute", stop)
    with ThreadPoolExecutor(2) as beside:
        one = beside.submit(first)
        one.add_done_callback(lambda _: is_there.set())
        is_there.wait()
        other = beside.submit(second)
        try:
            backings.until_it_waits(other, folder)
        finally:
            goes_on.set()
    event.remove(Engine, "before_cursor_execute", stop)
    return one.result(), other.result()


@pytest.mark.nodes
@pytest.mark.parametrize("written", [1, 2])
def test_an_older_node_that_is_signing_a_user_in_goes_on_and_then_the_upgrade_does(
    site: Site, instance: Path, written: int
) -> None:
    site.member()
    before_fewer_pages(instance)
    writes = [
        "UPDATE sessions SET last_seen_at = 0",
        "UPDATE refresh_tokens SET seen_at = NULL",
        "INSERT INTO activity (user_id, event, at) VALUES ('', 'sign_in_failed', 0)",
    ]
    with backings.shell(instance) as older, ThreadPoolExecutor(1) as beside:
        older.execute("BEGIN")
        for statement in writes[:written]:
            older.execute(statement)
        upgrading = beside.submit(Site, instance)
        backings.until_it_waits(upgrading, instance)
        for statement in writes[written:]:
            older.execute(statement)
        older.execute("COMMIT")
        upgrading.result().close()


@pytest.mark.nodes
def test_an_older_node_that_is_deleting_an_account_goes_on_and_then_the_upgrade_does(
    site: Site, instance: Path
) -> None:
    ada = site.member()
    delete = partial(ada.post, "/confirm", **confirmation(ada))
    before_fewer_pages(instance)
    answer, upgraded = meet(instance, delete, "INSERT INTO activity", lambda: Site(instance))
    upgraded.close()
    assert answer.location == "/signed-out"
    assert site.query("SELECT 1 FROM users") == []


@pytest.mark.nodes
def test_an_older_node_deletes_an_account_once_the_upgrade_is_over(site: Site, instance: Path) -> None:
    ada = site.member()
    delete = partial(ada.post, "/confirm", **confirmation(ada))
    before_fewer_pages(instance)
    upgraded, answer = meet(instance, lambda: Site(instance), "DROP INDEX activity_by_event", delete)
    upgraded.close()
    assert answer.location == "/signed-out"
    assert site.query("SELECT 1 FROM users") == []


@pytest.mark.sqlite
def test_an_upgrade_waits_for_an_older_process_that_writes(
    site: Site, instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_fewer_pages(instance)
    with backings.shell(instance) as older:
        older.execute("BEGIN IMMEDIATE")
        older.execute("UPDATE log_head SET size = size")
        pause = SimpleNamespace(monotonic=time.monotonic, sleep=lambda _seconds: older.execute("COMMIT"))
        monkeypatch.setattr(sqlite, "time", pause)
        Site(instance).close()
        assert not older.in_transaction
