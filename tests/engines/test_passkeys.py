"""Passkeys in real Firefox and Chromium, each with an authenticator in software; WebKit on Linux has none, and the page says so."""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.engines.conftest import OpenEngine
from tests.engines.driver import Browser
from tests.server import Server

pytestmark = [pytest.mark.e2e, pytest.mark.tls]


@contextmanager
def device(browser: Browser) -> Iterator[None]:
    """Have the browser keep passkeys, and its user touch them, for a while."""
    found = browser.add_authenticator()
    try:
        yield
    finally:
        browser.remove_authenticator(found)


def test_an_account_begins_with_a_passkey_which_then_opens_it_and_confirms(
    open_engine: OpenEngine, engine: str, server: Server
) -> None:
    browser = open_engine()
    if engine == "webkit":
        browser.go(f"{server.url}/sign-in")
        browser.await_words("This browser has no passkeys here. Sign in with your password.")
        return
    with device(browser):
        browser.go(f"{server.url}/sign-up/passkey")
        browser.fill(name="Ada", email=f"ada-{uuid.uuid4().hex[:8]}@example.org")
        browser.touch("Create a passkey")
        browser.await_words("You are signed in as Ada")
        browser.sign_out()
        browser.go(f"{server.url}/sign-in?next=/devices")
        if engine == "firefox":  # Chromium's device answers what the page offers, without a press
            browser.touch("Sign in with a passkey")
        browser.await_words("You are signed in on this device only")
        browser.go(f"{server.url}/confirm?next=/account/passkeys")
        browser.touch("Confirm with a passkey")
        browser.await_words("You have 1 passkey")
