"""What the claim sheet says of every way in, every secret and every field for a password."""

import ast
import re
from pathlib import Path

import pytest
from wtforms import Form

from app.config import DAY
from app.identity import factors, totp
from app.mail import links
from app.mail.links import Purpose
from app.store.db import writing
from app.web import forms
from tests.browsers import REFRESH, Browser, Site
from tests.forking import PROJECT

pytestmark = pytest.mark.page
YEARS = 5 * 365 * DAY
WAYS = {
    "web/sign_in.py": "a password",
    "web/sign_in_code.py": "a code beside it",
    "web/sign_in_passkey.py": "a passkey",
    "web/sign_up.py": "a new account, with a password or a passkey",
    "web/links.py": "a new account, by a link that proves its address",
}


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def calls(module: Path) -> set[str]:
    """Return the calls in a module, as they are written there."""
    return {ast.unparse(node.func) for node in ast.walk(ast.parse(module.read_text())) if isinstance(node, ast.Call)}


def test_the_ways_in_are_those_of_the_table() -> None:
    """One function begins a session for a browser. Only the named pages call it, and nothing goes past it."""
    found = {str(path.relative_to(PROJECT / "app")): calls(path) for path in (PROJECT / "app").rglob("*.py")}
    assert {path for path, called in found.items() if "sign_in.begin" in called} | {"web/sign_in.py"} == WAYS.keys()
    assert {path for path, called in found.items() if "Session.start" in called} == {
        "web/sign_in.py",
        "identity/session.py",  # a change of password gives a session another id
        "controls/minting.py",  # for tests, and absent without TEST_CONTROLS
    }
    table = Path(PROJECT / "docs" / "security.md").read_text().partition("## Ways in")[2].partition("\n## ")[0]
    for word in ("password", "passkey", "code", "link"):
        assert re.search(rf"^\| .*{word}", table, re.MULTILINE)


@pytest.mark.parametrize("page", ["/sign-in", "/sign-up", "/account/password", "/confirm"])
def test_every_field_for_a_password_is_masked_and_takes_what_is_pasted(site: Site, ada: Browser, page: str) -> None:
    browser = ada if page in ("/account/password", "/confirm") else site.browser()
    fields = re.findall(r"<input[^>]*name=\"(?:password|current)\"[^>]*>", browser.get(page).text)
    assert fields
    for field in fields:
        assert 'type="password"' in field
        assert re.search(r'autocomplete="(current|new)-password"', field)
        assert not re.search(r"onpaste|maxlength|readonly", field)
    assert not any("paste" in path.read_text() for path in (PROJECT / "static").rglob("*.js"))


def test_no_form_asks_for_a_hint_or_a_secret_question() -> None:
    found = [form for form in vars(forms).values() if isinstance(form, type) and issubclass(form, Form)]
    asked = {name for form in found for name in dir(form) if hasattr(getattr(form, name), "field_class")}
    assert {"email", "password", "name", "code"} <= asked
    assert not [name for name in asked if re.search(r"hint|question|answer|secret|birth|phone", name)]


def test_a_password_is_good_however_old_it_is(site: Site, ada: Browser) -> None:
    site.wait(YEARS)
    assert site.browser().sign_in().status_code == 303
    later = site.browser()
    later.sign_in()
    assert "change your password" not in later.get("/account").text.lower()


def test_every_secret_is_random_and_of_its_length(site: Site, ada: Browser) -> None:
    sources = [path for path in (PROJECT / "app").rglob("*.py") if "lab" not in path.parts]
    guessable = re.compile(r"^(import random|from random import|import uuid)", re.MULTILINE)
    assert not [path.name for path in sources if guessable.search(path.read_text())], "all comes from `secrets`"
    codes = [code.replace("-", "") for code in factors.new_codes()]
    assert len(set(codes)) == 10
    assert {len(code) * 5 for code in codes} == {120}, "each sign is one of 32"
    assert len({totp.new_secret() for _ in range(20)}) == 20
    assert len(totp.new_secret()) * 5 == 160
    with site.app.test_request_context(), writing():
        tokens = {links.make(Purpose.VERIFY, "", "ada@example.org").rpartition("/")[2] for _ in range(20)}
    assert len(tokens) == 20
    assert {len(token) for token in tokens} == {43}, "256 bits"
    assert len(ada.cookie(REFRESH) or "") >= 43
