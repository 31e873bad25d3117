"""What was read is not read again until anything is committed, by whichever process: on SQLite, in a server."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing
from pathlib import Path

import pytest
from sqlalchemy import func, select

from app.identity import refresh_token
from app.revocation.log import LogEntry
from app.store import sqlite
from app.store.db import db, writing
from app.store.sqlite import Sqlite
from tests.browsers import Site
from tests.oauth.conftest import App
from tests.oauth.flow import Flow
from tests.test_statements import noting

pytestmark = pytest.mark.sqlite
Beforehand = Callable[[Callable[[], object]], None]


@pytest.fixture
def site(open_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    monkeypatch.setattr(sqlite, "CHECKPOINT_SECONDS", 3600)
    site = open_site()
    site.app.extensions["store"].start()
    return site


@pytest.fixture
def elsewhere(site: Site, web: App) -> Iterator[App]:
    """The same app at another process of the site."""
    other = Site(site.folder)
    yield App(other, web.id, web.secret)
    other.close()


@pytest.fixture
def tokens(site: Site, web: App) -> dict[str, str]:
    found: dict[str, str] = Flow(web, scope="openid offline_access").connect(site.member())
    return found


@pytest.fixture
def beforehand(monkeypatch: pytest.MonkeyPatch) -> Beforehand:
    """Have something done once a request has looked, and before it has its turn to write."""
    acts: list[Callable[[], object]] = []
    turn = Sqlite.turn_to_write

    def act_first(store: Sqlite, patience: float, let_go: Callable[[], None]) -> AbstractContextManager[None]:
        if acts:
            acts.pop()()
        return turn(store, patience, let_go)

    monkeypatch.setattr(Sqlite, "turn_to_write", act_first)
    return acts.append


def ends(site: Site) -> int:
    """How many entries of the log end a session."""
    with site.app.app_context():
        return db.session.scalar(select(func.count()).where(LogEntry.kind == "revoked")) or 0


def test_an_app_that_asks_again_is_not_read_again(site: Site, web: App, tokens: dict[str, str]) -> None:
    asked = []
    for _ in range(2):
        with noting(site) as noted:
            assert web.post("/oauth/introspect", token=tokens["access_token"]).get_json()["active"]
        asked.append(len(noted.statements))
    assert asked == [1, 0]


def test_a_token_is_read_once_for_its_exchange(site: Site, web: App, tokens: dict[str, str]) -> None:
    with noting(site) as noted:
        form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
        assert web.post("/oauth/token", **form).status_code == 200
    assert len([one for one in noted.statements if one.startswith("SELECT") and "refresh_tokens.hash" in one]) == 1


def test_an_app_that_another_process_has_removed_is_refused_at_once(
    web: App, tokens: dict[str, str], elsewhere: App
) -> None:
    assert web.post("/oauth/introspect", token=tokens["access_token"]).get_json()["active"]
    assert elsewhere.site.run("clients", "remove", web.id).exit_code == 0
    assert web.post("/oauth/introspect", token=tokens["access_token"]).status_code == 401


def test_a_token_whose_session_another_process_ends_in_between_is_not_exchanged(
    web: App, tokens: dict[str, str], elsewhere: App, beforehand: Beforehand
) -> None:
    refresh = tokens["refresh_token"]
    beforehand(lambda: elsewhere.post("/oauth/revoke", token=refresh))
    answer = web.post("/oauth/token", grant_type="refresh_token", refresh_token=refresh)
    assert (answer.status_code, answer.get_json()["error"]) == (400, "invalid_grant")


def test_a_session_that_another_process_ends_in_between_is_ended_once(
    site: Site, web: App, tokens: dict[str, str], elsewhere: App, beforehand: Beforehand
) -> None:
    before, refresh = ends(site), tokens["refresh_token"]
    beforehand(lambda: elsewhere.post("/oauth/revoke", token=refresh))
    assert web.post("/oauth/revoke", token=refresh).status_code == 200
    assert ends(site) == before + 1


def test_a_token_that_another_process_exchanges_in_between_has_one_successor(
    web: App, tokens: dict[str, str], elsewhere: App, beforehand: Beforehand
) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    first: list[str] = []
    beforehand(lambda: first.append(elsewhere.post("/oauth/token", **form).get_json()["refresh_token"]))
    assert [web.post("/oauth/token", **form).get_json()["refresh_token"]] == first


def test_what_the_transaction_itself_has_exchanged_has_one_successor(
    site: Site, web: App, tokens: dict[str, str]
) -> None:
    refresh = tokens["refresh_token"]
    with site.app.test_request_context("/"):
        found = refresh_token.find(refresh)
        assert found
        with writing():
            first, again = (refresh_token.rotate(refresh, client_id=web.id, found=found) for _ in range(2))
        assert first
        assert again
        assert first.refresh == again.refresh


def test_the_head_of_a_file_that_was_replaced_is_unknown(site: Site, web: App, tokens: dict[str, str]) -> None:
    assert web.post("/oauth/introspect", token=tokens["access_token"]).get_json()["active"]
    store, database = site.app.extensions["store"], site.folder / "signed-out.db"
    assert store.head()
    shutil.copy(database, site.folder / "copy.db")
    (site.folder / "copy.db").rename(database)
    assert store.head() is None


def test_two_databases_whose_logs_are_both_empty_have_different_heads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The indexes of their logs are the same, byte by byte, and one process may open both."""
    monkeypatch.setattr(sqlite, "CHECKPOINT_SECONDS", 3600)
    heads = []
    for name in ("one.db", "two.db"):
        with closing(sqlite3.connect(tmp_path / name)) as connection:
            connection.execute("PRAGMA journal_mode=WAL")
        store = Sqlite(tmp_path / name, 1)
        store.start()
        assert store.head() == store.head() is not None
        heads.append(store.head())
    assert heads[0] != heads[1]


def test_of_an_id_that_no_app_can_have_nothing_is_asked_or_kept(site: Site, web: App) -> None:
    with noting(site) as noted:
        assert App(site, "x" * 65, "secret").post("/oauth/introspect", token="x").status_code == 401
    assert not [one for one in noted.statements if "FROM clients" in one or "clients.id" in one]
