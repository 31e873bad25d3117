"""Other engines than the one that the tests of every day use: Firefox and WebKit, and Chromium beside them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engines import driver
from tests.engines.driver import Browser, Missing
from tests.engines.front import Front, sign_certificate, standing
from tests.server import Server

OpenEngine = Callable[..., Browser]
SETTINGS = {"WORKERS": "2", "MAX_SESSIONS": "3"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Use each engine over http, as a developer does on their own machine; for tests marked `tls`, over https too."""
    if "engine" not in metafunc.fixturenames:
        return
    ways = {engine: (engine, "http") for engine in sorted(driver.ENGINES)}
    if metafunc.definition.get_closest_marker("tls"):
        ways |= {f"{engine} over https": (engine, "https") for engine in sorted(driver.ENGINES)}
    metafunc.parametrize(("engine", "scheme"), ways.values(), ids=ways, scope="session")


@pytest.fixture(scope="session")
def start(engine: str, scheme: str) -> Iterator[OpenEngine]:
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
def server(shared_instance: Path, scheme: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    if scheme == "http":
        running = Server(shared_instance, **SETTINGS)
        yield running
    else:
        front = Front()
        front.wear(sign_certificate(tmp_path_factory.mktemp("tls")))
        with standing(front):
            running = Server(shared_instance, SITE_URL=front.url, TRUSTED_PROXIES="1", **SETTINGS)
            front.behind, running.url = running.port, front.url
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
