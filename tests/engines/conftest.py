"""Other engines than the one that the tests of every day use: Firefox and WebKit, and Chromium beside them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines import driver
from tests.engines.driver import Browser, Missing
from tests.server import Server

OpenEngine = Callable[..., Browser]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "engine" in metafunc.fixturenames:
        metafunc.parametrize("engine", sorted(driver.ENGINES), scope="session")


@pytest.fixture(scope="session")
def start(engine: str) -> Iterator[OpenEngine]:
    """Start browsers of this engine, each kept for the tests that want the same."""
    running: dict[frozenset[tuple[str, bool]], Browser] = {}

    def start_one(**more: bool) -> Browser:
        kind = frozenset(more.items())
        try:
            return running.get(kind) or running.setdefault(kind, driver.start(engine, **more))
        except Missing as missing:
            return pytest.fail(str(missing), pytrace=False)

    yield start_one
    for browser in running.values():
        browser.close()


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    running = Server(shared_instance, WORKERS="2", MAX_SESSIONS="3")
    yield running
    running.stop()


@pytest.fixture
def open_engine(start: OpenEngine, server: Server) -> OpenEngine:
    """Open a browser that has never been at the site."""

    def open_one(**more: bool) -> Browser:
        browser = start(**more)
        browser.go(f"{server.url}/static/icon.svg")
        browser.forget()
        return browser

    return open_one
