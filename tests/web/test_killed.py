"""A process that is killed right after any of its commits: the same form, sent again, ends where it would have ended."""

import http.client
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from app.store import db
from app.web import form_claims, idempotency
from tests import passkeys
from tests.authenticator import Phone as Authenticator
from tests.authenticator import add_app, shown, to_second_page
from tests.browsers import ACCESS, PASSWORD, RECEIPT, REFRESH, Browser, Pocket, Site, form
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow
from tests.server import Server
from tests.web.test_idempotency import NEW, Killed, jar, with_cookies

TAKE_OVER = form_claims.PATIENCE_SECONDS + 1
MOST = 9  # commits of one request
BYE = "https://app.example/bye"
_numbers = count()


@contextmanager
def killed_after(commits: int) -> Iterator[None]:
    """Kill the process right after the given number of its commits."""
    commit, made = db.Transaction.commit, count(1)

    def die(transaction: db.Transaction) -> None:
        commit(transaction)
        if next(made) == commits:
            raise Killed

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(db.Transaction, "commit", die)
        yield


class Stage:
    """What is there when a form is sent: a user with a laptop and a phone, and, where it is asked for, more."""

    def __init__(self, site: Site) -> None:
        self.site, self.number = site, next(_numbers)
        self.email, self.other = (f"{name}-{self.number}@example.org" for name in ("ada", "eve"))
        self.laptop = self.site.member(self.email)
        self.phones: list[Authenticator] = []
        self.phone = self.site.browser("Chrome on Android")
        self.phone.sign_in(self.email)

    @cached_property
    def flow(self) -> Flow:
        app = register_app(self.site, f"App {self.number}", post_logout_redirect_uris=[BYE])
        return Flow(app, scope="openid email offline_access", state="s")

    @cached_property
    def hint(self) -> str:
        return str(self.flow.connect(self.laptop)["id_token"])

    @property
    def connected(self) -> Browser:
        """The laptop, after an app was connected."""
        assert self.hint
        return self.laptop

    @property
    def visitor(self) -> Browser:
        return self.site.browser()

    @property
    def guarded(self) -> Browser:
        """The laptop, after an authenticator app was added."""
        if not self.phones:
            self.phones.append(add_app(self.laptop))
        return self.laptop

    @property
    def code(self) -> str:
        """The next code: the one that is shown now has added the app."""
        assert self.guarded
        return self.phones[0].code(30)

    @property
    def guarded_email(self) -> str:
        assert self.guarded
        return self.email

    @property
    def halfway(self) -> Browser:
        assert self.guarded
        browser = self.visitor
        to_second_page(browser, self.email)
        return browser

    @cached_property
    def shown(self) -> tuple[dict[str, str], Authenticator]:
        return shown(self.laptop)

    @property
    def draft(self) -> str:
        return self.shown[0]["draft"]

    @property
    def first_code(self) -> str:
        return self.shown[1].code()

    @property
    def new_codes(self) -> str:
        return shown(self.guarded, "/account/recovery-codes")[0]["draft"]

    @cached_property
    def key(self) -> passkeys.Key:
        return passkeys.add(self.laptop)

    @property
    def keeper(self) -> Browser:
        """The laptop, after a passkey was added."""
        assert self.key
        return self.laptop

    @cached_property
    def stranger(self) -> Browser:
        """A signed-out browser that is asked for a passkey."""
        return self.site.browser()

    def signed(self, who: Browser, purpose: str) -> dict[str, str]:
        return passkeys.signed(who, self.key, purpose)

    @cached_property
    def signed_in(self) -> dict[str, str]:
        return self.signed(self.stranger, "sign-in")

    @cached_property
    def signed_up(self) -> dict[str, str]:
        return passkeys.made(self.stranger, passkeys.Key(), "sign-up", email=self.other, name="Eve")

    @cached_property
    def confirmed(self) -> dict[str, str]:
        return self.signed(self.keeper, "confirm")

    @cached_property
    def added(self) -> dict[str, str]:
        return passkeys.made(self.laptop, passkeys.Key(), "add")

    @property
    def key_id(self) -> str:
        assert self.key
        return str(self.site.query("SELECT id FROM passkeys WHERE user_id = :id", id=self.user)[0][0])

    @property
    def administrator(self) -> Browser:
        email = f"root-{self.number}@example.org"
        browser = self.site.member(email)
        self.site.run("users", "admin", email)
        return browser

    @property
    def own(self) -> str:
        return str(self.laptop.session()["sid"])

    @property
    def its(self) -> str:
        return str(self.phone.session()["sid"])

    @property
    def app(self) -> str:
        return self.flow.app.id

    @property
    def ask(self) -> str:
        return self.flow.path()

    @property
    def leave(self) -> str:
        return f"/oauth/end-session?id_token_hint={self.hint}&post_logout_redirect_uri={BYE}&state=s"

    @property
    def link(self) -> str:
        """The link in the mail to the laptop."""
        found = re.search(r'href="http://[^/"]+(/links/[^"]+)"', self.laptop.get("/mail").text)
        assert found
        return found[1]

    @property
    def user(self) -> str:
        return str(self.site.query("SELECT id FROM users WHERE email = :email", email=self.email)[0][0])

    def fill(self, text: str) -> str:
        """Write the ids of this stage into a path or a field."""
        return re.sub(r"\{(\w+)(?:\.(\w+))?\}", self._look_up, text)

    def _look_up(self, found: re.Match[str]) -> str:
        named = getattr(self, found[1])
        return str(named[found[2]] if found[2] else named)

    def rows(self, columns: str, table: str) -> list[Any]:
        """What the people of this stage have in *table*."""
        of_people = "JOIN users ON users.id = user_id WHERE email LIKE '%-' || :number || '@%'"
        return sorted(self.site.query(f"SELECT {columns} FROM {table} {of_people}", number=str(self.number)))


@dataclass(frozen=True)
class Case:
    """A form: the rule and path that it is sent to, its fields, whose browser sends it, and from which page."""

    rule: str
    fields: dict[str, str] = field(default_factory=dict)
    path: str = ""
    who: str = "laptop"
    page: str = "/devices"


def filled(signed: str) -> dict[str, str]:
    """Return what the script fills in."""
    return {part: f"{{{signed}.{part}}}" for part in ("credential", "stamp")}


CHANGE = {"current": PASSWORD, "password": NEW, "end_others": "y", "end_apps": "y"}
CASES = {
    "sign up": Case(
        "/sign-up", {"name": "Eve", "email": "{other}", "password": PASSWORD}, who="visitor", page="/sign-up"
    ),
    "sign in": Case("/sign-in", {"email": "{email}", "password": PASSWORD}, who="visitor", page="/sign-in"),
    "sign in anew": Case("/sign-in", {"email": "{email}", "password": PASSWORD, "keep": "y"}),
    "sign out": Case("/sign-out"),
    "change the password": Case("/account/password", CHANGE, who="connected"),
    "sign in with an app": Case(
        "/sign-in", {"email": "{guarded_email}", "password": PASSWORD}, who="visitor", page="/sign-in"
    ),
    "give the code": Case("/sign-in/code", {"code": "{code}"}, who="halfway", page="/sign-in/code"),
    "add an app": Case(
        "/account/authenticator", {"draft": "{draft}", "code": "{first_code}", "end_others": "y"}, page="/account"
    ),
    "remove the app": Case(
        "/account/authenticator/remove", {"end_others": "y"}, who="guarded", page="/account/authenticator/remove"
    ),
    "make recovery codes": Case("/account/recovery-codes", {"draft": "{new_codes}"}, who="guarded", page="/account"),
    "confirm by a code": Case("/confirm", {"code": "{code}", "next": "/activity"}, who="guarded"),
    "sign in with a passkey": Case("/sign-in/passkey", filled("signed_in"), who="stranger", page="/sign-in"),
    "sign up with a passkey": Case(
        "/sign-up/passkey",
        {**filled("signed_up"), "email": "{other}", "name": "Eve"},
        who="stranger",
        page="/sign-up/passkey",
    ),
    "add a passkey": Case("/account/passkeys/add", {**filled("added"), "name": "Key"}, page="/account/passkeys/add"),
    "rename a passkey": Case(
        "/account/passkeys/<key_id>/name",
        {"name": "Key"},
        path="/account/passkeys/{key_id}/name",
        who="keeper",
        page="/account/passkeys",
    ),
    "remove a passkey": Case(
        "/account/passkeys/<key_id>/remove", {"end_others": "y"}, path="/account/passkeys/{key_id}/remove", who="keeper"
    ),
    "confirm by a passkey": Case("/confirm", {**filled("confirmed"), "next": "/activity"}, who="keeper"),
    "confirm": Case("/confirm", {"password": PASSWORD, "next": "/activity"}),
    "confirm, and end the others": Case("/confirm", {"password": PASSWORD, "action": "others"}),
    "confirm, and end all": Case("/confirm", {"password": PASSWORD, "action": "all"}),
    "confirm, and end one": Case("/confirm", {"password": PASSWORD, "action": "end:{its}"}),
    "confirm, and take back": Case("/confirm", {"password": PASSWORD, "action": "app:{app}"}, who="connected"),
    "confirm, and close an account": Case(
        "/confirm", {"password": PASSWORD, "action": "admin:disable:{user}:"}, who="administrator"
    ),
    "ask to delete": Case("/account/delete", page="/account/data"),
    "confirm, and delete": Case("/confirm", {"password": PASSWORD, "action": "delete"}, who="connected"),
    "end one": Case("/devices/<sid>/end", path="/devices/{its}/end"),
    "end this one": Case("/devices/<sid>/end", path="/devices/{own}/end"),
    "it was me": Case("/devices/<sid>/mine", {"seen": "0"}, path="/devices/{its}/mine"),
    "it was not me": Case("/devices/<sid>/not-me", path="/devices/{its}/not-me"),
    "end the others": Case("/devices/end-others"),
    "end all": Case("/devices/end-all", who="connected"),
    "rename": Case("/devices/<sid>/name", {"name": "Phone"}, path="/devices/{its}/name"),
    "change the name": Case("/account/name", {"name": "Ada L."}),
    "ask for another address": Case("/account/email", {"email": "{other}"}),
    "confirm, and ask for another address": Case("/confirm", {"password": PASSWORD, "action": "address:{other}"}),
    "ask for the link again": Case("/account/email/verify"),
    "verify": Case("/links/<token>", path="{link}"),
    "say that the password is forgotten": Case("/recover", {"email": "{email}"}, who="visitor", page="/recover"),
    "take back": Case("/account/apps/<client_id>/end", path="/account/apps/{app}/end", who="connected"),
    "allow": Case("/oauth/authorize", {"decision": "allow"}, path="{ask}"),
    "deny": Case("/oauth/authorize", {"decision": "deny"}, path="{ask}"),
    "leave an app": Case("/oauth/end-session", {"decision": "sign-out"}, path="{leave}", who="connected"),
    "an administrator ends one": Case(
        "/admin/people/<user_id>/sessions/<sid>/end",
        path="/admin/people/{user}/sessions/{its}/end",
        who="administrator",
    ),
    "an administrator ends all": Case(
        "/admin/people/<user_id>/end-all", path="/admin/people/{user}/end-all", who="administrator"
    ),
    "an administrator sends a link": Case(
        "/admin/people/<user_id>/recover", path="/admin/people/{user}/recover", who="administrator"
    ),
    "an administrator closes": Case(
        "/admin/people/<user_id>/disable", path="/admin/people/{user}/disable", who="administrator"
    ),
    "an administrator opens": Case(
        "/admin/people/<user_id>/enable", path="/admin/people/{user}/enable", who="administrator"
    ),
}


@dataclass
class Press:
    """A form that is ready to be sent: always the same path, body and cookies."""

    site: Site
    path: str
    fields: dict[str, str]
    cookies: Pocket

    @classmethod
    def of(cls, case: Case, stage: Stage) -> "Press":
        browser = getattr(stage, case.who)
        fields = {name: stage.fill(value) for name, value in case.fields.items()}
        path = stage.fill(case.path or case.rule)
        ready = form(browser, case.page, **fields)
        return cls(stage.site, path, ready, jar(browser))

    def send(self, site: Site) -> tuple[Browser, TestResponse]:
        browser = with_cookies(site, self.cookies)
        return browser, browser.post(self.path, **self.fields)

    def is_killed(self, site: Site, commits: int) -> bool:
        """Send it to a process that dies after so many commits; return whether it came to that."""
        with killed_after(commits):
            try:
                self.send(site)
            except Killed:
                return True
        return False


def outcome(stage: Stage, browser: Browser, answer: TestResponse) -> dict[str, Any]:
    """What the sender has from it, and what is written down."""
    location = answer.headers.get("Location", "")
    shown = browser.get(location).text if location.startswith("/") else ""
    return {
        "status": answer.status_code,
        "location": re.sub(r"[\w-]{15,}|-\d+@", "…", location),
        "heading": [re.sub(r"-\d+@", "@", one) for one in re.findall(r"<h1[^>]*>(.*?)</h1>", shown, re.DOTALL)],
        "proof": [word in shown for word in ("signed-out.tlog-proof", "invalid_grant", "POST /oauth/revoke")],
        "signed in": [browser.is_signed_in(), stage.phone.is_signed_in()],
        "sessions": stage.rows("client_id = 'signed-out', ended_entry IS NULL", "sessions"),
        "codes of the app": stage.rows("count(*) > 0", "recovery_codes"),
        "half sign-ins": stage.rows("keep", "half_sign_ins"),
        "events": stage.rows("event", "activity"),
        "passkeys": stage.rows("passkeys.name, used_at IS NULL", "passkeys"),
        "consents": stage.rows("scope", "consents"),
        "codes": stage.rows("redirect_uri", "authorization_codes JOIN sessions ON sessions.id = browser_session_id"),
    }


@pytest.fixture(scope="module")
def nodes(shared_instance: Path) -> Iterator[tuple[Site, Site]]:
    opened = Site(shared_instance), Site(shared_instance)
    yield opened
    for site in opened:
        site.close()


@pytest.mark.page
@pytest.mark.parametrize("name", CASES)
def test_a_form_sent_again_after_a_kill_ends_where_it_would_have_ended(nodes: tuple[Site, Site], name: str) -> None:
    kill_at_each_commit(*nodes, CASES[name])


@pytest.mark.nodes
@pytest.mark.parametrize("name", ["sign up", "change the password", "sign out", "end all"])
def test_a_form_sent_to_another_node_after_a_kill_ends_where_it_would_have_ended(
    nodes: tuple[Site, Site], name: str
) -> None:
    kill_at_each_commit(*nodes, CASES[name])


@pytest.mark.page
@pytest.mark.parametrize("name", ["sign in", "sign out", "change the password", "confirm, and end the others"])
def test_a_form_writes_twice(nodes: tuple[Site, Site], name: str) -> None:
    """More would keep others waiting for the one place to write on SQLite."""
    [press, other] = [Press.of(CASES[name], Stage(nodes[0])) for _ in range(2)]
    assert press.is_killed(nodes[0], 2)
    assert not other.is_killed(nodes[0], 3)


def kill_at_each_commit(site: Site, node: Site, case: Case) -> None:
    undisturbed = Stage(site)
    wanted = outcome(undisturbed, *Press.of(case, undisturbed).send(site))
    assert wanted["status"] == 303
    for commits in range(1, MOST):
        stage = Stage(site)
        press = Press.of(case, stage)
        if not press.is_killed(site, commits):
            assert commits > 1
            return
        site.wait(TAKE_OVER)
        assert outcome(stage, *press.send(node)) == wanted, f"killed after commit {commits}"
    pytest.fail("a request with so many commits was not foreseen")


@pytest.mark.page
def test_every_form_that_acts_is_in_the_table(site: Site) -> None:
    rules = {
        rule.rule
        for rule in site.app.url_map.iter_rules()
        if "POST" in (rule.methods or ())
        and idempotency.begin in site.app.before_request_funcs.get(rule.endpoint.split(".")[0], [])
    }
    assert rules == {case.rule for case in CASES.values()}


SIGN_UP = {"name": "Eve", "email": "eve@example.org", "password": PASSWORD}


def without(press: Press, part: str) -> Press:
    """The same form as a client sends it without a part of it, or changed."""
    fields, cookies = dict(press.fields), dict(press.cookies)
    if part == "id":
        fields["once"] = form(press.site.browser(), "/sign-up")["once"]
    if part == "cookies":
        cookies = {name: value for name, value in cookies.items() if name not in (ACCESS, REFRESH)} | {RECEIPT: "x"}
    if part == "body":
        fields["password"] = "another password"
    return Press(press.site, press.path, fields, cookies)


@pytest.mark.page
@pytest.mark.parametrize("part", ["id", "cookies", "body"])
def test_after_a_kill_only_the_very_same_form_gets_the_answer(site: Site, part: str) -> None:
    ada, visitor = site.member(), site.browser()
    sign_out = Press(site, "/sign-out", form(ada, "/sign-out"), jar(ada))
    sign_up = Press(site, "/sign-up", form(visitor, "/sign-up", **SIGN_UP), jar(visitor))
    assert sign_out.is_killed(site, 1)
    assert sign_up.is_killed(site, 2)
    site.wait(TAKE_OVER)
    thief, answer = without(sign_out, part).send(site)
    assert thief.cookie(RECEIPT) in (None, "x")
    assert "invalid_grant" not in thief.get("/signed-out").text
    thief, answer = without(sign_up, part).send(site)
    assert answer.status_code == 422
    assert not thief.is_signed_in()
    assert sign_up.send(site)[0].is_signed_in(), "it is there for its sender"
    assert "invalid_grant" in sign_out.send(site)[0].get("/signed-out").text


@pytest.mark.page
def test_a_form_that_a_killed_process_acted_on_counts_as_new_after_a_minute(site: Site) -> None:
    ada, visitor = site.member(), site.browser()
    sign_out = Press(site, "/sign-out", form(ada, "/sign-out"), jar(ada))
    sign_up = Press(site, "/sign-up", form(visitor, "/sign-up", **SIGN_UP), jar(visitor))
    assert sign_out.is_killed(site, 1)
    assert sign_up.is_killed(site, 2)
    site.wait(form_claims.SPENT_SECONDS)
    assert sign_up.send(site)[1].status_code == 422
    assert sign_out.send(site)[0].cookie(RECEIPT) is None


class Person:
    """A user whose browser sends each form twice: the first time, the process that answers it is killed."""

    def __init__(self, server: Server) -> None:
        self.server, self.pocket = server, Pocket()

    def press(self, path: str, *, commits: int, page: str = "", **fields: str) -> None:
        found = re.search(r'name="once" value="([^"]+)"', self.server.visit(page or path, self.pocket)[2])
        assert found
        (self.server.folder / "die").write_text(str(commits))
        with pytest.raises((OSError, http.client.HTTPException)):
            self.server.ask("POST", path, self.pocket, once=found[1], **fields)
        self.server.wait(TAKE_OVER)
        status, given = self.server.ask("POST", path, self.pocket, once=found[1], **fields)
        assert status == 303
        self.pocket = {name: value for name, value in (self.pocket | given).items() if value}

    @property
    def is_signed_in(self) -> bool:
        return self.server.is_signed_in(self.pocket)


@pytest.fixture
def mortal(instance: Path) -> Iterator[Server]:
    running = Server(instance, program="tests/mortal.py")
    yield running
    running.stop()


@pytest.mark.server
def test_a_worker_that_is_killed_loses_no_answer_to_a_form(mortal: Server) -> None:
    ada, live = Person(mortal), "SELECT count(*) FROM sessions WHERE ended_entry IS NULL"
    ada.press("/sign-up", commits=2, name="Ada", email="ada@example.org", password=PASSWORD)
    assert ada.is_signed_in
    assert mortal.query(live) == [(1,)]
    ada.press("/account/password", commits=2, current=PASSWORD, password=NEW)
    assert ada.is_signed_in
    assert mortal.query(live) == [(1,)]
    ada.press("/sign-out", commits=1)
    assert not ada.is_signed_in
    assert "invalid_grant" in mortal.read("/signed-out", ada.pocket)
    assert mortal.query(live) == [(0,)]
    ada.press("/sign-in", commits=2, email="ada@example.org", password=NEW)
    assert ada.is_signed_in
    ada.press("/devices/end-all", commits=2, page="/devices")
    assert "You are signed out everywhere" in mortal.read("/signed-out", ada.pocket)
    assert mortal.query(live) == [(0,)]
