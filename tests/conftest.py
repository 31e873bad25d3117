"""What every test stands on: a site of its own, with a clock it can move, and browsers that visit it."""

import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace

import pytest

from app import clock
from tests.browsers import Site


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An instance folder with an empty database and its keys, made once and copied for each test."""
    folder = tmp_path_factory.mktemp("prepared")
    Site(folder).close()
    return folder


@pytest.fixture
def instance(prepared: Path, tmp_path: Path) -> Path:
    folder = tmp_path / "instance"
    shutil.copytree(prepared, folder)
    return folder


@dataclass
class StillClock:
    """A clock that stands still until it is set."""

    now: int


@pytest.fixture
def still_clock(monkeypatch: pytest.MonkeyPatch) -> StillClock:
    """Time stands still in this process. It can be set to the second, and `Site.wait` still moves it."""
    still = StillClock(int(time.time()))
    monkeypatch.setattr(clock, "time", SimpleNamespace(time=lambda: still.now))
    return still


@pytest.fixture
def site(instance: Path, still_clock: StillClock) -> Iterator[Site]:
    """A site with nobody signed in."""
    opened = Site(instance)
    yield opened
    opened.close()


@pytest.fixture
def other_node(site: Site, instance: Path) -> Iterator[Site]:
    """A second process's worth of the same site: its own memory and connections, the same database."""
    opened = Site(instance)
    yield opened
    opened.close()


@pytest.fixture(autouse=True)
def _real_time() -> Iterator[None]:
    yield
    clock.follow(None)


@pytest.fixture(autouse=True, scope="session")
def _bare_environment() -> None:
    """No setting of whoever runs the tests reaches the site under test."""
    for name in ("SITE_URL", "HOST", "PORT", "DATABASE_URL", "SECRET_KEY", "INSTANCE_PATH"):
        os.environ.pop(name, None)
