"""A browser that leaves a page while a request of it is under way stays away, and nothing is sent twice."""

import http.client
from collections.abc import Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any

import pytest

from tests.engines.conftest import OpenEngine
from tests.engines.driver import PATIENCE, Browser, until
from tests.server import Server

pytestmark = pytest.mark.e2e
HOPS = ("connection", "transfer-encoding")  # what concerns one connection alone


class Gate(ThreadingHTTPServer):
    """Stands before the site. It notes what is posted, and keeps each answer to that back, or loses it.

    *answers*: what it got from the site, by which the test knows that the act was done.
    """

    daemon_threads = True

    def __init__(self, server: Server) -> None:
        super().__init__(("127.0.0.1", 0), Passage)
        self.behind = server.port
        self.url = f"http://localhost:{self.server_port}"
        self.answers: list[str] = []
        self.open = Event()
        self.is_lossy = False

    def handle_error(self, *_: Any) -> None:
        """A browser that has left takes no answer."""


class Passage(BaseHTTPRequestHandler):
    """One request on its way through."""

    server: Gate

    def do_GET(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=PATIENCE)) as site:
            site.request(self.command, self.path, sent, dict(self.headers.items()))
            answer = site.getresponse()
            body = answer.read()
        if self.command == "POST":
            self.server.answers.append(f"{self.path} {answer.status}")
            self.server.open.wait(PATIENCE)
            if self.server.is_lossy:
                return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOPS:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Nobody reads it."""


@pytest.fixture
def gate(server: Server) -> Iterator[Gate]:
    gate = Gate(server)
    Thread(target=gate.serve_forever, daemon=True).start()
    yield gate
    gate.open.set()
    gate.shutdown()
    gate.server_close()


@pytest.fixture
def browser(open_engine: OpenEngine, gate: Gate) -> Browser:
    """A browser in which a run of the lab has begun."""
    browser = open_engine(javascript=True)
    gate.open.set()
    browser.go(f"{gate.url}/lab")
    browser.press("Sign in to begin", "Keep a copy")
    gate.answers.clear()
    return browser


def test_who_leaves_the_lab_while_a_button_is_at_work_is_not_led_back_and_it_acts_once(
    browser: Browser, gate: Gate
) -> None:
    gate.open.clear()
    browser.touch("A minute on")
    until(lambda: gate.answers)
    browser.follow("Costs", within="//nav[@aria-label='Lab']")
    browser.await_url("/lab/costs")
    gate.open.set()
    browser.follow("Designs", within="//nav[@aria-label='Lab']")
    browser.await_url("/lab/designs")
    assert gate.answers == ["/lab/time 303"]


def test_an_act_whose_answer_is_lost_is_not_repeated_and_the_page_says_so(browser: Browser, gate: Gate) -> None:
    gate.is_lossy = True
    browser.touch("A minute on")
    browser.await_words("No answer came, so this may have been done or not.")
    gate.is_lossy = False
    assert gate.answers == ["/lab/time 303"]
    browser.follow("Load the page again")
    assert browser.has("1 minute ahead of yours")
