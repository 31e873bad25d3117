"""The exact number of statements of each hot act, and of its round trips on PostgreSQL."""

import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import IO, Any

import psycopg
import pytest
from sqlalchemy import Engine, bindparam, event, select, update

from app.crypto import keys
from app.identity import browsers, refresh_token, session_row, sessions
from app.identity.chains import RefreshToken
from app.identity.session import SITE, Reason, Session
from app.revocation import clocks, registry
from app.revocation.wakeups import Notifications
from app.store import postgresql, prebuilt
from app.store.db import StoreUnavailable, after_commit, db, held, let_go, writing
from app.store.postgresql import PostgreSQL
from app.web import form_claims, own_server
from app.web.sign_out import receipt
from tests.browsers import AGENTS, REFRESH, Browser, Site, form
from tests.oauth.conftest import App, web
from tests.oauth.flow import Flow

__all__ = ["web"]  # a fixture
Act = Callable[[], Any]
HERE, THERE = {"User-Agent": AGENTS["Firefox on Linux"]}, {"REMOTE_ADDR": "127.0.0.1"}
LIFE = 300  # seconds, of an access token


@dataclass
class Asked:
    """The statements that were sent. *trips*: how often PostgreSQL was waited for; *notices*: how often it was to wake nodes."""

    statements: list[str] = field(default_factory=list)
    trips: int = 0
    notices: int = 0


@contextmanager
def noting(site: Site) -> Iterator[Asked]:
    """Record the statements of *site*'s requests, and when PostgreSQL is ready again on each connection."""
    asked, traces = Asked(), dict[psycopg.Connection[Any], IO[str]]()

    def note(_connection: object, _cursor: object, statement: str, *_more: object) -> None:
        asked.statements.append(statement)

    def trace(connection: Any, *_: object) -> None:
        if isinstance(connection, psycopg.Connection) and connection not in traces:
            traces[connection] = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed below
            connection.pgconn.trace(traces[connection].fileno())

    with site.app.app_context():
        engine: Engine = db.engine
    engine.dispose()
    event.listen(engine, "connect", trace)
    with engine.connect():
        """A connection that waits in the pool, as in a site that has run for a while."""
    event.listen(engine, "before_cursor_execute", note)
    yield asked
    event.remove(engine, "connect", trace)
    event.remove(engine, "before_cursor_execute", note)
    for connection, file in traces.items():
        connection.pgconn.untrace()
        file.seek(0)
        said = file.read()
        asked.trips += said.count("ReadyForQuery")
        asked.notices += said.count(f"NOTIFY {Notifications.CHANNEL}")
        file.close()


def exchange(site: Site, ada: Browser) -> None:
    """Exchange the refresh token of this browser, and do nothing else."""
    with site.app.test_request_context("/", headers=HERE, environ_base=THERE):
        assert refresh_token.rotate(ada.pocket()[REFRESH], client_id=SITE, browser=browsers.here())


def steady(open_site: Callable[..., Site], patch: pytest.MonkeyPatch, **settings: str) -> Site:
    """Open a site that asks and tries nothing once more because the machine is busy."""
    patch.setattr(clocks, "FRESH_SECONDS", 3600)
    patch.setattr(keys, "FRESH_SECONDS", 3600)
    patch.setattr(postgresql, "TRUSTED_SECONDS", 3600)
    for module in (form_claims, receipt):
        patch.setattr(module, "is_time_to_trim", lambda _model: False)  # it is once a second
    patch.setattr(registry, "count", lambda _position: (1, 1))  # the nodes are asked until all have confirmed
    return open_site(MAX_STALENESS_SECONDS="60", **settings)


@pytest.fixture
def site(open_site: Callable[..., Site], monkeypatch: pytest.MonkeyPatch) -> Site:
    return steady(open_site, monkeypatch)


@pytest.fixture
def ada(site: Site) -> Browser:
    """A browser whose first use is known, and a site that has answered before."""
    ada = site.member()
    for path in ("/", "/account", "/devices"):
        assert ada.get(path).status_code == 200
    while ada.get("/readyz").status_code != 200:
        time.sleep(0.01)  # until the node, which began with her first page, has read the log
    return ada


@pytest.mark.stores("what is sent as one")
@pytest.mark.parametrize(
    ("act", "statements", "together", "trips"),
    [
        ("account", 4, 4, 4),
        ("home", 5, 5, 5),
        ("devices", 6, 6, 6),
        ("exchange", 7, 4, 6),
        ("sign out", 15, 14, 18),
        ("its form", 18, 17, 21),
    ],
)
def test_an_act_sends_no_statement_more(
    site: Site, ada: Browser, act: str, statements: int, together: int, trips: int
) -> None:
    """*together*: on PostgreSQL, which gets some as one. Where an act needs fewer, write down the smaller number."""
    acts: dict[str, Act] = {
        "account": lambda: ada.get("/account"),
        "home": lambda: ada.get("/"),
        "devices": lambda: ada.get("/devices"),
        "exchange": lambda: exchange(site, ada),
        "sign out": ada.sign_out,
        "its form": partial(ada.post, "/sign-out", **form(ada, "/account")),
    }
    with noting(site) as asked:
        acts[act]()
    check_notices(site, asked, revokes=act in ("sign out", "its form"))
    expected = (together, trips) if is_postgresql(site) else (statements, 0)
    assert (len(asked.statements), asked.trips) == expected, "\n".join(asked.statements)


@contextmanager
def at_once(site: Site) -> Iterator[list[int]]:
    """Record how many connections are lent, whenever one more is."""
    lent, counts = set[int](), list[int]()

    def lend(connection: object, *_: object) -> None:
        lent.add(id(connection))
        counts.append(len(lent))

    def take(connection: object, *_: object) -> None:
        lent.discard(id(connection))

    with site.app.app_context():
        engine: Engine = db.engine
    event.listen(engine, "checkout", lend)
    event.listen(engine, "checkin", take)
    yield counts
    event.remove(engine, "checkout", lend)
    event.remove(engine, "checkin", take)


def test_a_page_holds_one_connection_at_a_time(site: Site, web: App) -> None:
    """As many requests as there are connections, each with one and in want of a second, would wait for each other."""
    ada = site.member()
    gone = site.browser("Chrome on Android")
    gone.sign_in()
    for browser in (ada, gone):
        Flow(web).connect(browser)
    gone.sign_out()
    assert site.thief(ada.pocket()).is_signed_in()  # so there is a warning
    with at_once(site) as counts:
        for path in ("/", "/account", "/devices", "/devices/ended", "/activity", "/devices?q=web"):
            assert ada.get(path).status_code == 200
        assert ada.post("/sign-out", **form(ada, "/account")).status_code == 303
    assert set(counts) == {1}


def test_no_object_of_a_row_that_an_exchange_changed_is_older_than_the_row(site: Site, ada: Browser) -> None:
    site.wait(70)
    token = ada.pocket()[REFRESH]
    with site.app.test_request_context("/"):
        (session,) = db.session.scalars(select(Session))
        (link,) = db.session.scalars(select(RefreshToken))
        assert refresh_token.rotate(token, client_id=SITE, browser=browsers.here())
        assert as_stored(site, session, "last_seen_at", "idle_until", "access_until", "address", "user_agent")
        assert as_stored(site, link, "used_at", "seen_at", "successor", "sealed")


def test_no_object_of_a_row_that_a_proof_changed_is_older_than_the_row(site: Site, ada: Browser) -> None:
    site.wait(LIFE - 5)  # its access token expires soon, so its link is exchanged as well
    token = ada.pocket()[REFRESH]
    with site.app.test_request_context("/"):
        with writing():
            sid = db.session.scalars(select(Session.id)).one()
            session = sessions.lock(sid)
            links = list(db.session.scalars(select(RefreshToken)))
            assert session
            assert refresh_token.prove(session, token, "pwd")
        assert as_stored(site, session, "access_until", "last_auth_at")
        assert all(as_stored(site, link, "used_at", "seen_at", "successor", "sealed") for link in links)


@pytest.mark.stores("transactions")
@pytest.mark.parametrize("drop", ["an error", "a roll-back"])
def test_no_object_is_newer_than_its_row_where_the_end_of_a_session_was_not_kept(
    site: Site, ada: Browser, drop: str
) -> None:
    with site.app.test_request_context("/"):
        (session,) = db.session.scalars(select(Session))
        let_go()
        with suppress(ValueError), writing():
            row = session_row.lock(session.id)
            assert row
            assert row.end(Reason.SIGNED_OUT)
            if drop == "an error":
                raise ValueError
            db.session.rollback()
        assert as_stored(site, session, "ended_entry")


@pytest.mark.stores("connections")
def test_a_look_waits_for_no_second_connection_while_its_request_holds_one(site: Site, ada: Browser) -> None:
    taken: list[object] = []
    with site.app.test_request_context("/"):
        event.listen(db.engine, "checkout", lambda *given: taken.append(given))
        assert refresh_token.find(ada.pocket()[REFRESH])
        assert len(taken) == 1
        db.session.rollback()
        db.session.execute(select(Session.id))
        assert refresh_token.find(ada.pocket()[REFRESH])
        assert len(taken) == 2


@pytest.mark.stores("transactions")
@pytest.mark.parametrize("durable", [True, False])
def test_a_roll_back_drops_what_the_driver_wrote_and_what_comes_after_it_is_one_transaction_again(
    site: Site, ada: Browser, durable: bool
) -> None:
    name = update(prebuilt.table(Session)).values(name=bindparam("new"))

    def stored() -> set[str]:
        return {name for (name,) in site.query("SELECT name FROM sessions")}

    with site.app.app_context():
        with writing(durable=durable):
            prebuilt.write(name, new="dropped")
            db.session.rollback()
        assert stored() == {None}
        with suppress(ValueError), writing(durable=durable):
            prebuilt.write(name, new="dropped")
            db.session.rollback()
            prebuilt.write(name, new="dropped, too")
            raise ValueError
        assert stored() == {None}
        with writing(durable=durable):
            after_commit(lambda: pytest.fail("nothing was committed for it to follow"))
            db.session.scalars(select(Session)).one().name = "dropped"
            db.session.rollback()
            prebuilt.write(name, new="kept")
        assert stored() == {"kept"}


@pytest.mark.stores("connections")
def test_look_ups_that_belong_together_share_one_connection_with_the_transaction_after_them(
    site: Site, ada: Browser
) -> None:
    taken: list[object] = []
    with site.app.test_request_context("/"):
        event.listen(db.engine, "checkout", lambda *given: taken.append(given))
        with prebuilt.reading():
            for _ in range(3):
                assert refresh_token.find(ada.pocket()[REFRESH])
            with writing(), prebuilt.reading():  # what the transaction sees
                db.session.execute(update(Session).values(name="mine"))
                assert list(prebuilt.rows(select(prebuilt.table(Session).c.name))) == [("mine",)]
            assert len(taken) == 1
            assert not db.engine.pool.checkedout()  # type: ignore[attr-defined]
            assert refresh_token.find(ada.pocket()[REFRESH])
        assert len(taken) == 2


@pytest.mark.stores("connections")
def test_slow_work_after_a_look_up_begins_without_a_connection(site: Site, ada: Browser) -> None:
    with site.app.test_request_context("/"), prebuilt.reading():
        assert refresh_token.find(ada.pocket()[REFRESH])
        assert db.engine.pool.checkedout() == 1  # type: ignore[attr-defined]
        let_go()
        assert not db.engine.pool.checkedout()  # type: ignore[attr-defined]


@pytest.mark.stores("connections")
def test_a_request_of_the_site_to_itself_takes_no_second_connection(site: Site, ada: Browser) -> None:
    with at_once(site) as counts, site.app.test_request_context("/"), prebuilt.reading():
        assert refresh_token.find(ada.pocket()[REFRESH])
        assert own_server.refresh("unknown").status == 400
    assert set(counts) == {1}


@pytest.mark.stores("connections")
def test_a_connection_that_failed_one_look_up_is_not_used_for_the_next(site: Site, ada: Browser) -> None:
    with site.app.test_request_context("/"), prebuilt.reading():
        driver = held().raw
        driver.close() if is_postgresql(site) else driver.set_progress_handler(lambda: 1, 1)
        with pytest.raises(StoreUnavailable):
            refresh_token.find(ada.pocket()[REFRESH])
        assert refresh_token.find(ada.pocket()[REFRESH])


@pytest.mark.stores("connections")
def test_a_connection_that_failed_a_page_is_not_used_for_the_next(site: Site, ada: Browser) -> None:
    @prebuilt.reading()
    def fail() -> None:
        driver = held().raw
        driver.close() if is_postgresql(site) else driver.set_progress_handler(lambda: 1, 1)
        prebuilt.rows(select(prebuilt.table(Session).c.name))

    with site.app.test_request_context("/"):
        with pytest.raises(StoreUnavailable):
            fail()
        assert refresh_token.find(ada.pocket()[REFRESH])


def as_stored(site: Site, held: Any, *columns: str) -> bool:
    """Return whether an object agrees with its row in these columns."""
    table = held.__table__
    (key,) = table.primary_key.columns
    with db.engine.connect() as other:
        row = other.execute(select(table).where(key == getattr(held, key.name))).one()
    assert {name: getattr(held, name) for name in columns} == {name: getattr(row, name) for name in columns}
    return True


def check_notices(site: Site, asked: Asked, *, revokes: bool) -> None:
    """Check that the commit of a revocation, and nothing else, wakes the other nodes, where no Redis does it."""
    assert asked.notices == (revokes and is_postgresql(site) and not site.app.extensions["settings"].redis_url)


def is_postgresql(site: Site) -> bool:
    return isinstance(site.app.extensions["store"], PostgreSQL)


def test_the_row_of_an_account_shows_no_secret_in_a_message(site: Site, ada: Browser) -> None:
    with site.app.app_context():
        found = sessions.with_user(ada.sessions()[0]["sid"])
        assert found
        shown, account = repr(found), found[1]
    assert account.email not in shown
    assert account.password_hash not in shown


def test_a_row_that_was_read_takes_no_change_that_would_be_lost(site: Site, ada: Browser) -> None:
    with site.app.app_context():
        found = sessions.with_user(ada.sessions()[0]["sid"])
        assert found
        for row in found:
            with pytest.raises(AttributeError):
                row.name = "another"
        assert "another" not in [row.name for row in found]
