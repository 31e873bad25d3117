"""What is sent, and what becomes of it: delivered, refused, tried again, given up. One app never holds up another."""

import re
import socket
import threading
from contextlib import closing, suppress
from typing import Any

import jwt
import pytest
from sqlalchemy import delete, select, update

from app import clock
from app.oauth.clients import Client
from app.oauth.logout import messages, network
from app.outbox.answer import GIVE_UP_SECONDS, PAUSES
from app.store.db import db, writing
from tests.browsers import SITE_URL, Browser, Site
from tests.oauth.logout.conftest import Grant, Party
from tests.oauth.logout.sink import Received

DAY = 24 * 60 * 60


def verified(site: Site, received: Received) -> dict[str, Any]:
    """Check the token as an app would that knows nothing but the issuer."""
    client = site.app.test_client()
    published = jwt.PyJWKSet.from_dict(client.get("/oauth/jwks", base_url=SITE_URL).get_json())
    header = jwt.get_unverified_header(received.token)
    audience = jwt.decode(received.token, options={"verify_signature": False})["aud"]
    found: dict[str, Any] = jwt.decode(
        received.token, published[header["kid"]].key, algorithms=["RS256"], audience=audience, issuer=SITE_URL
    )
    return found


def row(site: Site) -> tuple[Any, ...]:
    """The one message: attempts, when it is due, whether it is delivered or given up, and the last answer."""
    [found] = site.query(
        "SELECT attempts, next_at, delivered_at IS NOT NULL, given_up_at IS NOT NULL, answer FROM logout_messages"
    )
    return tuple(found)


def test_bcl_01_the_token_says_what_it_has_to_and_no_more(site: Site, ada: Browser, mail: Party) -> None:
    grant = mail.connect(ada)
    ada.sign_out()
    [received] = mail.told()
    assert jwt.get_unverified_header(received.token)["typ"] == "logout+jwt"
    claims = verified(site, received)
    assert claims == {
        "iss": SITE_URL,
        "aud": mail.app.id,
        "iat": claims["iat"],
        "exp": claims["iat"] + 120,
        "jti": claims["jti"],
        "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        "sid": grant.sid,
    }
    assert re.fullmatch(r"[\w-]{22}", claims["jti"])


def test_bcl_02_it_is_a_form_with_one_field_and_carries_nothing_of_this_site(ada: Browser, mail: Party) -> None:
    mail.connect(ada)
    ada.sign_out()
    [received] = mail.told()
    assert received.path == "/logout"
    assert received.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert not {"Cookie", "Authorization", "Referer", "Origin"} & received.headers.keys()


@pytest.mark.parametrize("status", [200, 202, 204])
def test_bcl_02_an_accepted_message_is_not_sent_again(site: Site, ada: Browser, mail: Party, status: int) -> None:
    mail.connect(ada)
    mail.sink.status = status
    ada.sign_out()
    mail.told()
    site.wait(2 * DAY)
    assert len(mail.told()) == 1
    assert row(site) == (1, None, True, False, f"HTTP {status}")


def test_bcl_02_a_refused_message_is_not_sent_again_and_the_operator_sees_it(
    site: Site, ada: Browser, mail: Party, caplog: pytest.LogCaptureFixture
) -> None:
    grant = mail.connect(ada)
    mail.sink.status = 400
    ada.sign_out()
    mail.told()
    site.wait(2 * DAY)
    assert len(mail.told()) == 1
    assert row(site) == (1, None, False, True, "HTTP 400")
    [line] = [found for found in caplog.messages if "logout_message" in found]
    assert '"event":"logout_message_refused"' in line
    assert grant.sid in line


@pytest.mark.parametrize("status", [301, 303, 307, 308, 401, 404, 429, 500, 503])
def test_bcl_02_after_any_other_answer_the_same_message_comes_again(
    site: Site, ada: Browser, mail: Party, status: int
) -> None:
    mail.connect(ada)
    mail.sink.status = status
    ada.sign_out()
    mail.told()
    site.wait(PAUSES[0])
    mail.sink.status = 200
    first, second = mail.told()
    assert first.claims["jti"] == second.claims["jti"]
    assert row(site) == (2, None, True, False, "HTTP 200")


def test_bcl_01_each_attempt_is_signed_again_so_that_none_comes_with_a_token_that_has_expired(
    site: Site, ada: Browser, mail: Party
) -> None:
    mail.connect(ada)
    mail.sink.status = 500
    ada.sign_out()
    mail.told()
    site.wait(3600)
    first, second = mail.told()
    assert second.claims["iat"] >= first.claims["iat"] + 3600


def test_the_pauses_grow_and_after_a_day_it_is_given_up_for_all_to_see(
    site: Site, ada: Browser, mail: Party, caplog: pytest.LogCaptureFixture
) -> None:
    mail.connect(ada)
    mail.sink.status = 503
    ada.sign_out()
    waited = 0
    for pause in [*PAUSES, *[PAUSES[-1]] * 22]:
        mail.told()
        tries = len(mail.sink.received)
        site.wait(pause - 1)
        assert len(mail.told()) == tries, "not before its time"
        site.wait(1)
        waited += pause
    assert waited <= GIVE_UP_SECONDS < waited + PAUSES[-1]
    assert not row(site)[3]
    mail.told()
    assert row(site)[1:] == (None, False, True, "HTTP 503")
    assert len([line for line in caplog.messages if "logout_message_given_up" in line]) == 1
    site.wait(DAY)
    tries = len(mail.sink.received)
    assert len(mail.told()) == tries


def test_an_app_that_was_down_for_a_minute_gets_it_when_it_is_back(site: Site, ada: Browser, mail: Party) -> None:
    grant = mail.connect(ada)
    mail.sink.down()
    ada.sign_out()
    mail.told()
    assert row(site)[4] == "no connection"
    site.wait(20)
    mail.told()
    site.wait(40)
    mail.sink.up()
    assert [one.claims["sid"] for one in mail.told()] == [grant.sid]


def test_a_message_that_waited_longer_than_a_day_for_this_site_itself_is_tried_once_all_the_same(
    site: Site, ada: Browser, mail: Party
) -> None:
    mail.connect(ada)
    ada.sign_out()
    site.wait(3 * DAY)
    assert len(mail.told()) == 1


def test_a_redirect_is_not_followed(site: Site, ada: Browser, mail: Party, notes: Party) -> None:
    mail.connect(ada)
    mail.sink.status, mail.sink.headers = 302, {"Location": notes.sink.uri}
    ada.sign_out()
    mail.told()
    assert notes.sink.connections == 0
    assert row(site)[4] == "HTTP 302"


def test_proxies_of_the_environment_are_not_asked(
    ada: Browser, mail: Party, notes: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail.connect(ada)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{notes.sink.port}")
    ada.sign_out()
    assert len(mail.told()) == 1
    assert notes.sink.connections == 0


def test_an_app_that_hangs_delays_no_other_and_is_told_one_thing_at_a_time(
    site: Site, ada: Browser, mail: Party, notes: Party
) -> None:
    mail.connect(ada)
    mail.connect(ada, offline=True)
    notes.connect(ada)
    order: list[str] = []
    others_are_told = threading.Event()

    def hang() -> None:
        others_are_told.wait(60)
        order.append("mail")

    def hear() -> None:
        order.append("notes")
        others_are_told.set()

    mail.sink.first, notes.sink.first = hang, hear
    assert ada.sign_out().status_code == 303
    order.append("signed out")
    mail.told()
    assert order == ["signed out", "notes", "mail", "mail"]


class Trickle:
    """A server that sends a little of an answer again and again, and never the end of it."""

    def __init__(self, drop: bytes) -> None:
        self._drop = drop
        self.cut_off = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.uri = f"http://127.0.0.1:{self._listener.getsockname()[1]}/"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with closing(connection), closing(self._listener), suppress(OSError):
            connection.sendall(b"HTTP/1.1 ")
            while not threading.Event().wait(0.02):
                connection.sendall(self._drop)
        self.cut_off.set()


pytestmark = pytest.mark.page


@pytest.fixture(
    params=[b"2", b"00 fine\r\nX: y\r\n" * 10, b"100 Continue\r\n\r\nHTTP/1.1 "],
    ids=["a status line without end", "headers without end", "one interim answer after the other"],
)
def trickle(request: pytest.FixtureRequest) -> Trickle:
    return Trickle(request.param)


def test_an_app_that_trickles_is_cut_off(trickle: Trickle, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "SECONDS", 2)
    answer = network.post(trickle.uri, {}, may_be_private=True)
    assert answer.outcome == "failed"
    assert trickle.cut_off.wait(60)


def test_an_app_that_never_answers_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "SECONDS", 0.1)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        answer = network.post(f"http://127.0.0.1:{silent.getsockname()[1]}/", {}, may_be_private=True)
    assert answer.words == "no answer in time"


def test_a_body_without_end_is_not_read(site: Site, ada: Browser, mail: Party) -> None:
    mail.connect(ada)
    mail.sink.headers = {"Content-Length": str(10**12)}
    ada.sign_out()
    mail.told()
    assert row(site)[2:] == (True, False, "HTTP 200")


@pytest.mark.parametrize("said", [b"SSH-2.0-OpenSSH_9.9\r\n", b"HTTP/1.1 9999 ?\r\n\r\n", b""])
def test_an_answer_that_is_no_http_is_a_failure_like_any_other(said: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(said)

        threading.Thread(target=answer, daemon=True).start()
        found = network.post(f"http://127.0.0.1:{listener.getsockname()[1]}/", {}, may_be_private=True)
    assert found.outcome == "failed"


def settled(then: int) -> list[str]:
    """Return the apps of the messages that a purge may forget."""
    asked = select(messages.Message.client_id).where(messages.settled_before(then))
    return sorted(db.session.scalars(asked))


def test_undeliverable_messages_may_be_forgotten_after_a_while_and_waiting_ones_may_not(
    site: Site, ada: Browser, mail: Party, notes: Party
) -> None:
    mail.connect(ada)
    notes.connect(ada)
    mail.sink.status = 400
    ada.sign_out()
    mail.told()
    bob = site.member("bob@example.org")
    notes.connect(bob)
    bob.sign_out()
    with site.app.app_context():
        [failed] = messages.failed(5)
        assert failed.client_id == mail.app.id
        assert settled(failed.made_at) == []
        assert settled(clock.now() + 1) == sorted([mail.app.id, notes.app.id])
    assert len(notes.told()) == 2


@pytest.mark.parametrize("how", ["removed", "without an address"])
def test_an_app_that_is_gone_meanwhile_is_told_where_it_was(
    site: Site, ada: Browser, mail: Party, notes: Party, how: str
) -> None:
    granted: list[Grant] = [mail.connect(ada), notes.connect(ada)]
    ada.sign_out()
    with site.app.app_context(), writing():
        if how == "removed":
            db.session.execute(delete(Client).where(Client.id == mail.app.id))
        else:
            db.session.execute(update(Client).where(Client.id == mail.app.id).values(backchannel_logout_uri=None))
    assert [one.claims["sid"] for party in (mail, notes) for one in party.told()] == [grant.sid for grant in granted]
