"""A user for the operator to manage, and apps that the operator registers."""

import json
from typing import Any

import pytest

from tests.browsers import Browser, Site
from tests.oauth.conftest import App


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def add(site: Site, *more: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(site.run("clients", "add", "Photos", *more, "--json").output)
    return found


def app(site: Site, *more: str) -> App:
    """Register an app as the operator does."""
    found = add(site, *more)
    return App(site, found["client_id"], found.get("client_secret"))


def refuses(site: Site, *words: str) -> None:
    """The command refuses these in one line, and registers nothing."""
    done = site.run("clients", "add", "Photos", *words)
    assert done.exit_code == 1
    assert done.output.startswith("Error: ")
    assert len([*filter(None, done.output.split("\n"))]) == 1
    assert json.loads(site.run("clients", "list", "--json").output) == []
