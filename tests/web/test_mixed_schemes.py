"""A proxy answers for the site at https and, by mistake, at http too: nothing of the safe pages is within reach of the other."""

from collections.abc import Callable

import pytest
from werkzeug.test import TestResponse

from tests.browsers import ACCESS, PASSWORD, PROBE, REFRESH, Pocket, Site

pytestmark = pytest.mark.page
HTTPS, HTTP = "https://localhost:8000", "http://localhost:8000"


@pytest.fixture
def site(open_site: Callable[..., Site]) -> Site:
    return open_site(SITE_URL=HTTPS, TRUSTED_PROXIES="1")


def ask(site: Site, scheme: str, path: str, pocket: Pocket, *, page: str = "", **form: str) -> TestResponse:
    """Ask through the proxy; post if the form is of a *page* at this origin."""
    headers = {"X-Forwarded-Proto": scheme, "X-Forwarded-For": "192.0.2.1", "Accept": "text/html"}
    headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in pocket.items())
    client = site.app.test_client(use_cookies=False)
    if not page:
        return client.get(path, base_url=HTTP, headers=headers)
    return client.post(path, base_url=HTTP, headers=headers | {"Origin": page}, data=form)


@pytest.fixture
def ada(site: Site) -> Pocket:
    """The cookies of a browser that has signed up at https."""
    answer = ask(
        site, "https", "/sign-up", {PROBE: "1"}, page=HTTPS, name="Ada", email="a@example.org", password=PASSWORD
    )
    given = [line.partition(";") for line in answer.headers.getlist("Set-Cookie")]
    assert all("; Secure" in f";{rest}" for _, _, rest in given)
    return dict(pair.split("=", 1) for pair, _, _ in given)


def test_at_http_a_browser_keeps_no_cookie_so_nothing_begins_and_it_is_told_of_https(site: Site, ada: Pocket) -> None:
    shown = ask(site, "http", "/sign-in", {})
    assert all("; Secure" in line for line in shown.headers.getlist("Set-Cookie"))
    answer = ask(site, "http", "/sign-in", {}, page=HTTP, email="a@example.org", password=PASSWORD)
    assert answer.status_code == 422
    assert "Its address begins with <code>https://</code>" in answer.text
    assert site.query("SELECT count(*) FROM sessions") == [(1,)]


@pytest.mark.parametrize("path", ["/sign-out", "/devices/end-all", "/account/name", "/sign-in"])
def test_a_page_that_a_network_forged_at_http_posts_nothing_to_https(site: Site, ada: Pocket, path: str) -> None:
    answer = ask(site, "https", path, ada, page=HTTP, name="Eve", email="a@example.org", password=PASSWORD)
    assert answer.status_code == 403
    assert ask(site, "https", "/account", ada).status_code == 200


def test_cookies_that_were_planted_at_http_are_none_at_https(site: Site, ada: Pocket) -> None:
    """A browser takes the prefix over https alone; these names are what is left to plant."""
    for prefix in ("", "loopback-"):
        planted = {f"{prefix}access": ada[ACCESS], f"{prefix}refresh": ada[REFRESH]}
        for scheme in ("https", "http"):
            assert ask(site, scheme, "/account", planted).headers["Location"].startswith("/sign-in"), (prefix, scheme)
    beside = {"access": "x", "refresh": "x", "loopback-refresh": "x"} | ada
    assert ask(site, "https", "/account", beside).status_code == 200
