"""What a real browser sends when it loads a page before its user asks for it, and that this uses nothing up."""

import uuid

import pytest
from playwright.sync_api import Browser, expect

from tests.e2e.conftest import Person
from tests.server import Server

pytestmark = pytest.mark.e2e
PREFETCH = "path => document.head.append(Object.assign(document.createElement('link'), {rel: 'prefetch', href: path}))"


def test_a_link_that_is_prefetched_neither_renews_nor_keeps_the_page_from_opening(
    chromium: Browser, server: Server
) -> None:
    with chromium.new_context(base_url=server.url, bypass_csp=True) as context:  # none of our pages would ask for it
        ada = Person(context)
        ada.join(f"ada-{uuid.uuid4().hex[:8]}@example.org")
        server.wait(301)
        before = {cookie["name"]: cookie["value"] for cookie in context.cookies()}
        with ada.page.expect_response("**/activity") as prefetched:
            ada.page.evaluate(PREFETCH, "/activity")
        assert prefetched.value.status == 503
        assert {cookie["name"]: cookie["value"] for cookie in context.cookies()} == before
        ada.page.get_by_role("link", name="Activity").click()
        expect(ada.page.get_by_role("heading", level=1)).to_have_text("What happened lately")
        assert {cookie["name"]: cookie["value"] for cookie in context.cookies()} != before
