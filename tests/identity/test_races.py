"""Revocation beats requests under way: each story stops one request in the middle and ends its session elsewhere."""

from collections.abc import Callable
from typing import Any

import pytest

from app.identity import access_token, refresh_token, sessions
from app.identity.access_token import Claims
from app.identity.session import Reason
from tests.browsers import ACCESS, Browser, Site


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def elsewhere(other_node: Site, ada: Browser) -> Callable[[], None]:
    """Sign out with a copy of Ada's cookies at another node."""
    thief = other_node.thief(ada.pocket())
    return lambda: thief.sign_out() and None


def interrupt(monkeypatch: pytest.MonkeyPatch, module: Any, name: str, act: Callable[[], None]) -> None:
    """Let *act* happen once, right after the function *name* of *module* has returned for the first time."""
    original, acted = getattr(module, name), []

    def interrupted(*args: Any, **kwargs: Any) -> Any:
        found = original(*args, **kwargs)
        if not acted:
            acted.append(True)
            act()
        return found

    monkeypatch.setattr(module, name, interrupted)


@pytest.mark.stores("a race")
def test_a_refresh_under_way_does_not_survive_a_sign_out(
    ada: Browser, elsewhere: Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada.forget(ACCESS)
    interrupt(monkeypatch, refresh_token, "find", elsewhere)
    assert not ada.is_signed_in()
    assert ACCESS not in ada.pocket()


@pytest.mark.stores("a race")
@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("/devices/end-others", {}),
        ("/devices/end-all", {}),
        ("/account/password", {"current": "plenty of violet otters", "password": "nine quiet walruses"}),
    ],
)
def test_a_write_under_way_does_not_survive_a_sign_out(
    site: Site,
    ada: Browser,
    elsewhere: Callable[[], None],
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    form: dict[str, str],
) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    interrupt(monkeypatch, access_token, "check", elsewhere)
    assert ada.post(path, **form).headers["Location"].startswith("/sign-in")
    assert phone.is_signed_in()
    again = site.browser()
    again.sign_in()
    assert again.is_signed_in(), "the password is still the old one"


@pytest.mark.stores("a lock")
def test_a_session_that_was_never_there_cannot_be_locked(site: Site) -> None:
    with site.app.app_context():
        assert sessions.lock("nobody") is None


def test_a_token_that_is_over_anyway_adds_nothing_to_the_log(site: Site, ada: Browser) -> None:
    token = ada.pocket()[ACCESS]
    site.wait(300)
    with site.app.test_request_context():
        claims = access_token.read(token)
        assert isinstance(claims, Claims)
        access_token.revoke(claims, reason=Reason.REVOKED)
    assert site.query("SELECT count(*) FROM log_entries WHERE scope = 'token'") == [(0,)]
