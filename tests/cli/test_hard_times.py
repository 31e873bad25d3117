"""Each command does its work or says in one line why not: on a cut log, by a wrong clock, and without a database."""

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import click
import pytest
from click.testing import Result

from app.cli import _COMMANDS
from app.identity import demo
from app.revocation import clocks
from app.store import db
from tests import backings, passkeys
from tests.authenticator import add_app
from tests.browsers import PASSWORD, Browser, Site, form
from tests.cli.conftest import add

EMAIL = "ada@example.org"
HOUR = 60 * 60
CUT = "the revocation log has lost entries: 1000 had been read"
CLOCK = "the clock of this machine is"
LOCKED = GONE = "The database: "


@dataclass(frozen=True)
class Row:
    """A command, and in which states it is refused."""

    words: str
    refused: frozenset[str]
    typed: str | None = None


def row(words: str, *refused: str, typed: str | None = None) -> Row:
    return Row(words, frozenset(refused), typed)


TABLE = [
    row("clients list", "gone"),
    row("clients add Photos", "locked", "gone"),
    row("clients change CLIENT --grant authorization_code", "locked", "gone"),
    row("clients renew CLIENT", "locked", "gone"),
    row("clients remove CLIENT", "cut", "clock", "locked", "gone"),
    row("users add new@example.org --password-stdin", "locked", "gone", typed=f"{PASSWORD}\n"),
    row("users collisions", "gone"),
    row("users seed", "locked", "gone"),
    row(f"users admin {EMAIL}", "locked", "gone"),
    row(f"users enable {EMAIL}", "locked", "gone"),
    row(f"sessions list {EMAIL}", "cut", "clock", "gone"),
    row(f"sessions end {EMAIL} --sid SID", "cut", "locked", "gone"),
    row(f"sessions end {EMAIL}", "cut", "locked", "gone"),
    row(f"users password {EMAIL} --password-stdin", "cut", "locked", "gone", typed="plenty of golden herons\n"),
    row(f"users disable {EMAIL}", "cut", "locked", "gone"),
    row("users remove-factor eve@example.org", "cut", "locked", "gone"),
    row("users remove-passkeys eve@example.org", "cut", "locked", "gone"),
    row("users delete eve@example.org --yes", "cut", "locked", "gone"),
    row("mail list", "gone"),
    row("mail show MAIL", "gone"),
    row("mail retry", "locked", "gone"),
    row("keys rotate", "clock", "locked", "gone"),
    row("log verify", "cut", "gone"),
    row("log verify-receipt RECEIPT", "gone"),
    row("log verify-receipt RECEIPT --key KEY"),
    row("config"),
    row("purge", "clock", "locked", "gone"),
    row("relying-party --issuer http://localhost:8000 --delivery never --port 8001", "locked", "gone"),
    row("log restore --yes", "clock", "locked", "gone"),
]


@pytest.fixture
def names(site: Site, ada: Browser, tmp_path: Path) -> dict[str, str]:
    """The values for the words in capitals."""
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    phone.post("/sign-out", **form(phone, "/sign-out"))
    receipt = tmp_path / "receipt.tlog-proof"
    receipt.write_bytes(phone.get("/signed-out.tlog-proof").data)
    key = site.browser().get("/log/key").text.strip()
    eve = site.member("eve@example.org")
    passkeys.add(eve)
    add_app(eve)
    [(mail,), *_] = site.query("SELECT id FROM mails")
    known = {"SID": ada.session()["sid"], "CLIENT": add(site)["client_id"], "MAIL": str(mail)}
    return known | {"RECEIPT": str(receipt), "KEY": key}


@pytest.fixture
def _no_second_site(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "chdir", lambda _: None)
    monkeypatch.setattr(os, "execve", lambda *_: sys.exit(0))


def leaves(command: click.Command, *before: str) -> Iterator[str]:
    if isinstance(command, click.Group):
        for found in command.commands.values():
            yield from leaves(found, *before, str(command.name))
    else:
        yield " ".join([*before, str(command.name)])


def cut(site: Site) -> None:
    with backings.shell(site.folder) as raw:
        raw.execute("UPDATE log_head SET cut_from = 1000")


def test_the_table_has_every_command() -> None:
    commands = {name for command in _COMMANDS for name in leaves(command)}
    assert {name for name in commands if any(row.words.startswith(name) for row in TABLE)} == commands


def try_each(site: Site, names: dict[str, str], state: str, reason: str) -> None:
    for tried in TABLE:
        done = site.run(*(names.get(word, word) for word in tried.words.split()), typed=tried.typed)
        if state in tried.refused:
            assert is_one_line(done, reason), (tried.words, done.output)
        else:
            assert done.exit_code == 0, (tried.words, done.output)


def is_one_line(done: Result, reason: str) -> bool:
    said = [line for line in done.output.splitlines() if not line.startswith("{")]  # but for security events
    return done.exit_code == 1 and len(said) == 1 and said[0].startswith(f"Error: {reason}")


@pytest.mark.usefixtures("_no_second_site")
def test_on_a_cut_log(site: Site, names: dict[str, str]) -> None:
    cut(site)
    try_each(site, names, "cut", CUT)


@pytest.mark.nodes
@pytest.mark.usefixtures("_no_second_site")
@pytest.mark.parametrize("skew", [HOUR, -HOUR])
def test_by_a_wrong_clock(site: Site, names: dict[str, str], monkeypatch: pytest.MonkeyPatch, skew: int) -> None:
    site.app.extensions["delivery"].close()
    monkeypatch.setattr(clocks, "wall", lambda: time.time() + skew)
    try_each(site, names, "clock", CLOCK)


@pytest.mark.stores("what a lock of another says")
@pytest.mark.usefixtures("_no_second_site")
def test_on_a_database_that_takes_nothing(site: Site, names: dict[str, str]) -> None:
    site.impatient()
    with backings.locked(site.folder):
        try_each(site, names, "locked", LOCKED)


@pytest.mark.stores("what its driver says")
@pytest.mark.usefixtures("_no_second_site")
def test_without_a_database(site: Site, names: dict[str, str]) -> None:
    site.app.extensions["delivery"].close()
    backings.lose(site.folder)
    try_each(site, names, "gone", GONE)


@pytest.mark.nodes
def test_a_session_that_a_wrong_clock_takes_for_timed_out_is_ended_all_the_same(
    site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    sid = ada.session()["sid"]
    site.app.extensions["delivery"].close()
    site.wait(13 * HOUR)
    monkeypatch.setattr(clocks, "wall", lambda: time.time() + 13 * HOUR)
    assert site.run("sessions", "end", EMAIL, "--sid", sid).output.endswith("1 ended.\n")
    site.wait(-13 * HOUR)
    assert not ada.is_signed_in()


@pytest.fixture
def seeded(site: Site) -> Site:
    """A workshop, closed again; its demo accounts are still open."""
    site.run("users", "seed")
    demo_browser = site.browser()
    demo_browser.sign_in(next(iter(demo.ACCOUNTS)), demo.PASSWORD)
    assert demo_browser.is_signed_in()
    return site


def test_a_site_with_demo_accounts_starts_on_a_cut_log_and_closes_them_and_can_be_restored(seeded: Site) -> None:
    cut(seeded)
    later = Site(seeded.folder, WORKSHOP="0")
    assert later.run("log", "restore", "--yes").exit_code == 0
    visitor = later.browser()
    visitor.sign_in(next(iter(demo.ACCOUNTS)), demo.PASSWORD)
    assert not visitor.is_signed_in()
    later.close()


@pytest.mark.sqlite
def test_a_site_that_must_write_at_its_start_and_cannot_says_so_in_one_line(
    seeded: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(db, "BUSY_SECONDS", 0)
    with backings.locked(seeded.folder), pytest.raises(SystemExit, match=r"^DATABASE_URL: .* cannot be used \(.*\)\.$"):
        Site(seeded.folder, WORKSHOP="0")
