"""A browser that leaves a page while a request of it is under way stays away, and nothing is sent twice."""

from collections.abc import Iterator
from threading import Event

import pytest

from tests.engines.conftest import OpenEngine
from tests.engines.driver import PATIENCE, Browser, until
from tests.engines.front import Front, standing
from tests.server import Server

pytestmark = pytest.mark.e2e


class Gate(Front):
    """Stands before the site. It notes what is posted, and keeps each answer to that back, or loses it.

    *answers*: what it got from the site, by which the test knows that the act was done.
    """

    def __init__(self, server: Server) -> None:
        super().__init__(server.port)
        self.answers: list[str] = []
        self.open = Event()
        self.is_lossy = False

    def deliver(self, asked: str, status: int) -> bool:
        method, path = asked.split()
        if method != "POST":
            return True
        self.answers.append(f"{path} {status}")
        self.open.wait(PATIENCE)
        return not self.is_lossy


@pytest.fixture
def gate(server: Server) -> Iterator[Gate]:
    gate = Gate(server)
    with standing(gate):
        yield gate
        gate.open.set()


@pytest.fixture
def browser(open_engine: OpenEngine, gate: Gate) -> Browser:
    """A browser in which a run of the lab has begun."""
    browser = open_engine(javascript=True)
    gate.open.set()
    browser.go(f"{gate.url}/lab")
    browser.press("Sign in to begin", "Keep a copy")
    gate.answers.clear()
    return browser


def test_a_visitor_who_leaves_the_lab_while_a_button_is_at_work_is_not_led_back_and_it_acts_once(
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
    assert browser.has("1 minute after the sign-in")
