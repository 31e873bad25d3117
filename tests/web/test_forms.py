"""Each form has a button that says what is under way, from its press until the answer is there."""

import re
from collections.abc import Callable

import pytest

from tests import passkeys
from tests.authenticator import add_app, to_second_page
from tests.browsers import Browser, Site
from tests.forking import PROJECT
from tests.lab.conftest import Visitor
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow
from tests.pages import SLOW, pages

pytestmark = pytest.mark.page
FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)
DOING = re.compile(r'data-doing="[A-Z][a-z]+( [a-z]+)*"')
SUBMITS = re.compile(r'<button\b(?![^>]*type="button")[^>]*>')
SCRIPT = re.compile(r'<script type="module" src="/static/[^"]*/js/once\.js">')
# What puts the words into a form, in its template. A macro that gets the rest of its form from its caller leaves it to that.
CALL = re.compile(r"{% call passkey\(.*?{% endcall %}", re.DOTALL)
SAYS = re.compile(r"once\(|press\(|data-doing|caller\(\)")


def member(site: Site) -> Browser:
    """A user with a phone, an app that was let in, an address to verify, and an ended session."""
    ada = site.member()
    for label in ("Chrome on Android", "Safari on macOS"):
        other = site.browser(label)
        other.sign_in()
    other.sign_out()
    Flow(register_app(site, "Calendar"), scope="openid offline_access", state="s").connect(ada)
    return ada


def careful(site: Site) -> Browser:
    """A user with an authenticator app and a passkey."""
    ada = site.member()
    passkeys.add(ada)
    add_app(ada)
    return ada


def halfway(site: Site) -> Browser:
    careful(site)
    browser = site.browser()
    to_second_page(browser)
    return browser


def administrator(site: Site) -> Browser:
    root = site.member("root@example.org")
    site.member("eve@example.org")
    site.run("users", "admin", "root@example.org")
    return root


def attendee(site: Site) -> Browser:
    """A visitor of the lab who has kept a copy."""
    visitor = Visitor(site, site.browser())
    visitor.sign_in_and_copy()
    return visitor.browser


@pytest.mark.parametrize("who", [Site.browser, member, careful, halfway, administrator, attendee])
def test_each_form_of_each_page_has_a_button_that_says_what_is_under_way(
    site: Site, who: Callable[[Site], Browser]
) -> None:
    browser = who(site)
    profiles = [f"/admin/people/{found}" for (found,) in site.query("SELECT id FROM users")]
    shown = {path: browser.get(path).text for path in (*pages(site.app), "/sign-in/code", *profiles) if path != SLOW}
    forms = [(path, form) for path, page in shown.items() for form in FORM.findall(page)]
    assert len({path for path, _ in forms}) > 3
    for path, form in forms:
        assert SUBMITS.search(form), (path, form)
        assert DOING.search(form), (path, form)
        assert SCRIPT.search(shown[path]), path


def test_each_form_of_each_template_has_such_a_button() -> None:
    texts = {path.name: path.read_text() for path in (PROJECT / "templates").rglob("*.html")}
    forms = [(name, form) for name, text in texts.items() for form in FORM.findall(text)]
    assert forms
    for name, form in forms:
        assert SAYS.search(form), (name, form)
    calls = [(name, call) for name, text in texts.items() for call in CALL.findall(text)]
    assert calls
    for name, call in calls:
        assert "once(" in call, (name, call)
