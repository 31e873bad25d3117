"""An error after the answer was made is logged; the answer and its cookies stand. Before it, it becomes our own page."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Response, request
from werkzeug.exceptions import NotFound

from app.identity import refresh_token
from app.identity.users import User
from app.store.db import StoreUnavailable, after_commit, db, writing
from app.web import devices
from tests import backings
from tests.browsers import ACCESS, REFRESH, Site
from tests.server import Server

CARE = ("Content-Security-Policy", "X-Content-Type-Options", "Referrer-Policy")


def end_connections(folder: Path) -> None:
    """End every connection that the site has to PostgreSQL, as a restart of the server would; SQLite has no server."""
    if "DATABASE_URL" not in backings.settings(folder):
        return
    with backings.shell(folder) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 1000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND application_name = 'signed-out'"
        )


def fail(*_given: object) -> Any:
    raise RuntimeError("this hook fails")


@pytest.fixture
def lost(site: Site) -> set[str]:
    """Paths whose answer is made, and whose connections are ended before they are given back."""
    paths: set[str] = set()

    def lose(response: Response) -> Response:
        if request.path in paths:
            db.session.scalar(db.select(User.id).limit(1))  # a transaction is open
            end_connections(site.folder)
        return response

    site.app.after_request(lose)
    return paths


@pytest.mark.nodes
def test_an_answer_stands_when_its_connection_is_lost_before_it_is_given_back(site: Site, lost: set[str]) -> None:
    ada = site.browser()
    lost |= {"/sign-up", "/account", "/devices", "/sign-out"}
    assert ada.sign_up().status_code == 303
    assert ada.cookie(ACCESS)
    ada.forget(ACCESS)
    before = ada.cookie(REFRESH)
    assert ada.get("/account").status_code == 200
    assert ada.cookie(ACCESS)
    assert ada.cookie(REFRESH) != before
    assert ada.get("/devices").status_code == 200
    copies = ada.pocket()
    assert ada.sign_out().status_code == 303
    assert not ada.cookie(REFRESH)
    assert ada.get("/signed-out").status_code == 200
    assert not site.thief(copies).is_signed_in()


@pytest.mark.stores("connections that are given back")
@pytest.mark.parametrize("when", ["request", "context"])
def test_an_answer_stands_when_what_follows_the_request_fails(site: Site, when: str) -> None:
    {"request": site.app.teardown_request, "context": site.app.teardown_appcontext}[when](fail)
    ada = site.browser()
    assert ada.sign_up().status_code == 303
    assert ada.is_signed_in()
    assert ada.sign_out().status_code == 303
    assert not ada.cookie(ACCESS)


def test_a_hook_that_fails_takes_nothing_from_the_answer_or_from_other_hooks(site: Site) -> None:
    def brand(response: Response) -> Response:
        response.headers["X-Brand"] = "1"
        return response

    site.app.after_request(brand)
    site.app.after_request(fail)
    site.app.after_request_funcs["pages"].append(fail)
    ada = site.browser()
    answer = ada.sign_up()
    assert answer.status_code == 303
    assert answer.headers["X-Brand"] == "1"
    ada.forget(ACCESS)
    assert ada.is_signed_in()
    assert ada.cookie(ACCESS), "renewed tokens come with the answer"


def test_what_follows_a_commit_may_fail_and_the_answer_tells_of_the_commit(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = site.member()
    copies = ada.pocket()
    monkeypatch.setattr("app.telemetry.security_log.line", fail)
    assert ada.sign_out().status_code == 303
    assert not ada.cookie(REFRESH)
    assert not site.thief(copies).is_signed_in()


def test_each_thing_that_follows_a_commit_is_tried(site: Site) -> None:
    done: list[str] = []
    with site.app.app_context(), writing():
        after_commit(fail)
        after_commit(lambda: done.append("the second"))
    assert done == ["the second"]


def test_no_row_that_one_request_read_is_left_to_the_next(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    ada = site.member()
    monkeypatch.setattr("app.store.db.Session.close", fail)
    with site.app.app_context():
        left = db.session()
    with site.app.app_context():
        for _ in range(100):  # until a context has the id of the first
            assert ada.is_signed_in()
            assert left not in db.session.registry.registry.values()


def test_a_plain_page_says_so_where_even_the_page_of_an_error_fails(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = site.member()
    ada.forget(ACCESS)
    monkeypatch.setattr("app.web.errors.render_template", fail)
    monkeypatch.setattr("app.web.account.render_template", fail)
    answer = ada.get("/account")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert_careful(answer)
    assert ada.cookie(ACCESS), "tokens that were renewed are handed back"
    monkeypatch.undo()
    assert ada.is_signed_in()


def test_an_error_outside_of_any_request_is_our_page_too(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(site.app), "request_context", fail)
    answer = site.browser().get("/account")
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert_careful(answer)
    assert site.browser().get("/api/me").get_json() == {"error": "server_error"}


@pytest.mark.stores("a transaction")
def test_a_row_that_vanishes_under_a_request_is_a_reason_to_try_again(site: Site) -> None:
    def view() -> str:
        [found] = db.session.scalars(db.select(User))
        with db.engine.begin() as connection:
            for table in ("activity", "known_places", "refresh_tokens", "sessions", "users"):
                connection.execute(db.text(f"DELETE FROM {table}"))
        db.session.rollback()
        return found.name

    site.app.add_url_rule("/vanishing", view_func=view)
    site.member()
    answer = site.browser().get("/vanishing")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"]


def stream(site: Site, body: Callable[[], Iterator[bytes]], close: Callable[[], Any] | None = None) -> Any:
    def view() -> Response:
        response = Response(body())
        response.set_cookie("streamed", "1")
        if close:
            response.call_on_close(close)
        return response

    site.app.add_url_rule("/stream", view_func=view)
    return site.app.test_client().get("/stream")


def test_an_error_while_a_streamed_body_is_closed_changes_nothing(site: Site) -> None:
    answer = stream(site, lambda: iter([b"all ", b"of it"]), fail)
    assert (answer.status_code, answer.text) == (200, "all of it")
    answer.close()
    assert "streamed=1" in answer.headers["Set-Cookie"]


def test_an_error_before_the_first_byte_of_a_body_is_our_page(site: Site) -> None:
    def body() -> Iterator[bytes]:
        yield fail()

    answer = stream(site, body)
    assert answer.status_code == 500
    assert "Something broke on our side" in answer.text
    assert_careful(answer)


def test_a_body_that_breaks_off_is_not_shown_as_whole(site: Site) -> None:
    def body() -> Iterator[bytes]:
        yield b"half of it"
        fail()

    answer = stream(site, body)
    with pytest.raises(RuntimeError):  # the server cuts the connection
        answer.get_data()


def assert_careful(answer: Any) -> None:
    for name in CARE:
        assert name in answer.headers


@pytest.mark.server
@pytest.mark.nodes
def test_no_connection_that_is_lost_is_answered_by_the_bare_server(instance: Path) -> None:
    """Every answer, of any status, is a whole one, and no user loses a session."""
    server = Server(instance, WORKERS="2")
    people = [server.join(f"person-{number}@example.org") for number in range(6)]
    goes_on = True

    def visit(pocket: dict[str, str]) -> list[int]:
        found = []
        while goes_on:
            status, given, text = server.visit("/account", {REFRESH: pocket[REFRESH]})
            pocket |= given
            found.append(status if "</html>" in text else 0)
        return found

    try:
        with ThreadPoolExecutor(len(people)) as threads:
            under_way = [threads.submit(visit, pocket) for pocket in people]
            for _ in range(8):
                end_connections(instance)
            goes_on = False
            statuses = {status for done in under_way for status in done.result()}
        assert statuses <= {200, 503}, server.output()
        assert all(server.is_signed_in({REFRESH: pocket[REFRESH]}) for pocket in people)
    finally:
        server.stop()


def forget_sessions(site: Site) -> None:
    """Remove every row of a session, as a purge does."""
    with backings.shell(site.folder) as raw:
        raw.execute("DELETE FROM refresh_tokens")
        raw.execute("DELETE FROM sessions")


@pytest.mark.stores("a transaction")
def test_a_row_that_is_gone_when_a_use_cannot_be_noted_is_no_sign_in_and_no_error(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = site.member()

    def note(*_given: object) -> None:
        forget_sessions(site)
        raise StoreUnavailable("nothing can be written")

    monkeypatch.setattr(refresh_token, "note_use", note)
    answer = ada.get("/account")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/sign-in?next=/account")


def test_a_row_that_is_gone_before_an_error_is_told_does_not_break_its_page(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = site.member()

    def find(_sid: str) -> None:
        forget_sessions(site)
        raise NotFound

    monkeypatch.setattr(devices, "own", find)
    answer = ada.post("/devices/x/name", name="Desk")
    assert answer.status_code == 404
    assert "There is no such page" in answer.text
