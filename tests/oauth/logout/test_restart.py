"""Messages outlive the process that wrote them, and no two processes send the same one."""

import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.outbox.answer import PAUSES
from app.outbox.outgoing import CLAIM_SECONDS
from tests.browsers import Browser, Site
from tests.cluster import Cluster
from tests.oauth.logout.conftest import Party, party
from tests.oauth.logout.sink import Sink
from tests.server import Server


@pytest.fixture
def phone(site: Site, ada: Browser) -> Browser:
    browser = site.browser("Chrome on Android")
    browser.sign_in(keep="y")
    return browser


@pytest.mark.server
@pytest.mark.page
def test_a_server_delivers_by_itself(server: Server, site: Site, ada: Browser, mail: Party) -> None:
    grant = mail.connect(ada)
    server.ask("POST", "/sign-out", ada.pocket())
    assert mail.sink.wait().claims["sid"] == grant.sid


@pytest.mark.server
def test_an_app_that_is_down_while_the_server_restarts_gets_the_message_once(
    server: Server, ada: Browser, mail: Party
) -> None:
    grant = mail.connect(ada)
    mail.sink.down()
    server.ask("POST", "/sign-out", ada.pocket())
    wait_until(server, "attempts = 1")
    server.stop()
    server.wait(60)
    mail.sink.up()
    server.start()
    assert mail.sink.wait().claims["sid"] == grant.sid
    wait_until(server, "delivered_at IS NOT NULL")
    assert mail.sink.sids == [grant.sid]


@pytest.mark.server
@pytest.mark.page
def test_a_server_that_is_killed_before_the_delivery_delivers_when_it_is_back(
    server: Server, ada: Browser, mail: Party
) -> None:
    grant = mail.connect(ada)
    back = threading.Event()
    mail.sink.first = lambda: back.wait(60)
    server.ask("POST", "/sign-out", ada.pocket())
    first = mail.sink.wait()
    server.kill()
    back.set()
    server.wait(CLAIM_SECONDS + 1)
    server.start()
    second = mail.sink.wait()
    wait_until(server, "delivered_at IS NOT NULL")
    assert first.claims["sid"] == second.claims["sid"] == grant.sid
    assert len(set(mail.sink.jtis)) == 1, "the app can tell that it is the same"


@pytest.mark.server
@pytest.mark.page
def test_a_server_that_stops_lets_what_is_on_its_way_come_back(server: Server, ada: Browser, mail: Party) -> None:
    mail.connect(ada)
    back = threading.Event()
    mail.sink.first = lambda: back.wait(60)
    server.ask("POST", "/sign-out", ada.pocket())
    mail.sink.wait()
    with ThreadPoolExecutor(1) as threads:
        stopped = threads.submit(server.stop)
        back.set()
        stopped.result()
    assert server.query("SELECT attempts FROM logout_messages WHERE delivered_at IS NOT NULL") == [(1,)]
    server.start()


@pytest.mark.stores("locks that are skipped")
def test_two_processes_that_look_at_once_never_send_the_same(
    site: Site, other_node: Site, ada: Browser, mail: Party, notes: Party
) -> None:
    for browser in (ada, *(site.browser() for _ in range(14))):
        browser.sign_in()
        mail.connect(browser)
        notes.connect(browser)
    ada.post("/devices/end-all")
    with ThreadPoolExecutor(2) as processes:
        list(processes.map(lambda one: one.deliver(), (site, other_node)))
    for sink in (mail.sink, notes.sink):
        assert set(Counter(sink.jtis).values()) == {1}
        assert len(sink.received) == 15


@pytest.mark.stores("delivery")
def test_a_message_that_another_process_is_sending_waits_until_that_process_has_died(
    site: Site, other_node: Site, ada: Browser, mail: Party
) -> None:
    mail.connect(ada)
    arrived, back = threading.Event(), threading.Event()

    def hold() -> None:
        arrived.set()
        back.wait(60)

    mail.sink.first = hold
    ada.sign_out()
    with ThreadPoolExecutor(1) as process:
        sending = process.submit(site.deliver)
        assert arrived.wait(60)
        other_node.deliver()
        assert len(mail.sink.received) == 1
        mail.sink.first = lambda: None
        mail.sink.status = 500
        site.wait(CLAIM_SECONDS)
        other_node.deliver()
        assert len(mail.sink.received) == 2
        mail.sink.status = 200
        back.set()
        sending.result()
    assert site.query("SELECT attempts, delivered_at FROM logout_messages") == [(1, None)], (
        "the late one counts no more"
    )
    site.wait(PAUSES[0])
    site.deliver()
    assert len(set(mail.sink.jtis)) == 1


@pytest.mark.server
@pytest.mark.nodes
def test_only_one_of_three_nodes_tells_each_app(instance: Path, site: Site) -> None:
    cluster, sinks = Cluster(instance), [Sink() for _ in range(6)]
    ada = site.member()
    parties = [party(site, f"App {number}", sink) for number, sink in enumerate(sinks)]
    for one in parties:
        one.connect(ada)
    cluster.nodes[0].ask("POST", "/sign-out", ada.pocket())
    for sink in sinks:
        sink.wait()
    wait_until(cluster.nodes[0], "delivered_at IS NOT NULL", count=len(sinks))
    assert [len(sink.received) for sink in sinks] == [1] * len(sinks)
    cluster.stop()
    for sink in sinks:
        sink.down()


def wait_until(server: Server, condition: str, *, count: int = 1) -> None:
    """Return once this number of messages is as described."""
    for _ in range(1200):
        if server.query(f"SELECT count(*) FROM logout_messages WHERE {condition}") == [(count,)]:
            return
        time.sleep(0.05)
    raise AssertionError(server.output())
