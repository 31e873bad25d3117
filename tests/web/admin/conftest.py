"""An administrator, and a user to look after."""

import pytest

from tests.browsers import Browser, Site


def person_id(site: Site, email: str = "ada@example.org") -> str:
    [(found,)] = site.query("SELECT id FROM users WHERE email = :email", email=email)
    return str(found)


@pytest.fixture
def root(site: Site) -> Browser:
    """The browser of an administrator."""
    browser = site.member("root@example.org", "Safari on macOS")
    site.run("users", "admin", "root@example.org")
    return browser


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def page(site: Site, ada: Browser) -> str:
    """The path of Ada's page."""
    return f"/admin/people/{person_id(site)}"
