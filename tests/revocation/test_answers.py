"""An answer that says "it is over" comes once every node knows: also the second one, whichever node appended the entry.

A row in the registry stands for a third node. It has read the log so far, and reads on when a test says so.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app.identity.session import Standing
from app.revocation import registry
from app.store.db import StoreUnavailable, db
from app.web import own_server
from tests import backings
from tests.browsers import ACCESS, ENDING, PASSWORD, RECEIPT, REFRESH, Browser, Pocket, Site
from tests.conftest import StillClock
from tests.oauth.conftest import App, register, register_app
from tests.oauth.flow import Flow
from tests.revocation.test_nodes import until

pytestmark = pytest.mark.nodes

BYE = "https://app.example/bye"
LEASE = 60  # seconds: no wait ends by itself while a test runs
Ask = Callable[[Site], Any]
Asks = tuple[Ask, Ask]


@dataclass
class Nodes:
    """Two nodes in this process, and a third that is only a row. *asked*: how often each looked into the registry."""

    here: Site
    there: Site
    raw: Any
    asked: Counter[Engine]

    def fall_asleep(self) -> None:
        """From now on the third node reads no further."""
        self.raw.execute("INSERT INTO nodes (id, position, beat) SELECT 'third', size, 0 FROM log_head")

    def wake_up(self) -> None:
        self.raw.execute("UPDATE nodes SET position = size FROM log_head WHERE nodes.id = 'third'")

    def revocations(self) -> int:
        [(count,)] = self.raw.execute("SELECT count(*) FROM log_entries WHERE kind = 'revoked'").fetchall()
        return int(count)

    def looks(self, site: Site) -> int:
        """How often a node has looked into the registry."""
        with site.app.app_context():
            return self.asked[db.engine]

    def begin(self, threads: ThreadPoolExecutor, ask: Ask, site: Site) -> "Future[Any]":
        """Send a request to a node; return once it is answered, or waits for the other nodes."""
        before = self.looks(site)
        sent = threads.submit(ask, site)
        until(lambda: sent.done() or self.looks(site) > before + 1)
        return sent


@pytest.fixture
def nodes(instance: Path, still_clock: StillClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Nodes]:
    asked: Counter[Engine] = Counter()
    count = registry.count

    def counting(position: int) -> tuple[int, int]:
        asked[db.engine] += 1
        return count(position)

    monkeypatch.setattr(registry, "count", counting)
    here, there = (Site(instance, MAX_STALENESS_SECONDS=str(LEASE)) for _ in range(2))
    for site in (here, there):
        until(site.app.extensions["delivery"].current)
    with backings.shell(instance) as raw:
        yield Nodes(here, there, raw, asked)
    here.close()
    there.close()


@dataclass
class World:
    """Ada with two browsers and three apps, and an administrator."""

    nodes: Nodes
    ada: Browser
    phone: Browser
    root: Browser
    mail: App
    web: App

    @property
    def phone_id(self) -> str:
        return str(self.phone.session()["sid"])

    def admin(self, act: str) -> Ask:
        [(ada,)] = self.nodes.here.query("SELECT id FROM users WHERE email = 'ada@example.org'")
        return post(f"/admin/people/{ada}/{act}", self.root.pocket())


@pytest.fixture
def world(nodes: Nodes) -> World:
    here = nodes.here
    ada, phone, root = here.member(), here.browser("Chrome on Android"), here.member("root@example.org")
    phone.sign_in()
    here.run("users", "admin", "root@example.org")
    web = register_app(here, "Web", post_logout_redirect_uris=[BYE])
    return World(nodes, ada, phone, root, register(here, "Mail"), web)


def holding(site: Site, pocket: Pocket) -> Browser:
    """The browser with these cookies, as it asks this node."""
    browser = site.browser()
    for name, value in pocket.items():
        browser.client.set_cookie(name, value)
    return browser


def post(path: str, pocket: Pocket, **form: str) -> Ask:
    return lambda site: holding(site, pocket).post(path, **form)


def revoke(app: App, token: str) -> Ask:
    return lambda site: replace(app, site=site).revoke(token)


def flask(*words: str) -> Ask:
    return lambda site: site.run(*words)


def both(ask: Ask) -> Asks:
    return ask, ask


def sign_out(browser: Browser) -> Ask:
    return post("/sign-out", browser.pocket())


def spent(browser: Browser) -> str:
    """Have the browser refresh; return the refresh token that this has used up."""
    old = browser.pocket()[REFRESH]
    browser.forget(ACCESS)
    assert browser.is_signed_in()
    return old


def pending(nodes: Nodes, browser: Browser) -> str:
    """What the browser keeps after a sign-out that the store could not take."""
    copy = holding(nodes.here, browser.pocket())
    patience = nodes.here.app.config["BUSY_SECONDS"]
    nodes.here.impatient()
    with backings.locked(nodes.here.folder):
        assert copy.sign_out().status_code == 503
    nodes.here.app.config["BUSY_SECONDS"] = patience
    return copy.cookie(ENDING) or ""


WAYS: dict[str, Callable[[World], Asks]] = {}


def way(make: Callable[[World], Asks]) -> Callable[[World], Asks]:
    """Take it that these two requests end the same, the second one at another node while the first one waits."""
    WAYS[make.__name__.replace("_", " ")] = make
    return make


@way
def sign_out_pressed_twice(world: World) -> Asks:
    return both(sign_out(world.ada))


@way
def sign_out_with_the_access_token_alone(world: World) -> Asks:
    return sign_out(world.ada), post("/sign-out", {ACCESS: world.ada.pocket()[ACCESS]})


@way
def sign_out_with_the_refresh_token_alone(world: World) -> Asks:
    return sign_out(world.ada), post("/sign-out", {REFRESH: world.ada.pocket()[REFRESH]})


@way
def sign_out_with_a_refresh_token_that_was_exchanged(world: World) -> Asks:
    old = spent(world.ada)
    return sign_out(world.ada), post("/sign-out", {REFRESH: old})


@way
def a_sign_out_that_had_to_be_put_off_tried_again_at_a_visit(world: World) -> Asks:
    kept = pending(world.nodes, world.ada)
    return sign_out(world.ada), lambda site: holding(site, {ENDING: kept}).get("/")


@way
def a_sign_out_that_had_to_be_put_off_pressed_again(world: World) -> Asks:
    kept = pending(world.nodes, world.ada)
    return sign_out(world.ada), post("/sign-out", {ENDING: kept})


@way
def a_refresh_token_revoked_twice(world: World) -> Asks:
    _, refresh = world.mail.grant()
    return both(revoke(world.mail, refresh))


@way
def an_exchanged_refresh_token_revoked_after_its_successor(world: World) -> Asks:
    _, refresh = world.mail.grant()
    successor = world.mail.refresh(refresh).get_json()["refresh_token"]
    return revoke(world.mail, successor), revoke(world.mail, refresh)


@way
def an_access_token_revoked_twice(world: World) -> Asks:
    access, _ = world.mail.grant()
    return both(revoke(world.mail, access))


@way
def an_access_token_revoked_after_its_session(world: World) -> Asks:
    access, refresh = world.mail.grant()
    return revoke(world.mail, refresh), revoke(world.mail, access)


@way
def an_access_token_revoked_after_everything_of_its_user(world: World) -> Asks:
    access, _ = world.mail.grant()
    return post("/devices/end-all", world.ada.pocket()), revoke(world.mail, access)


@way
def a_refresh_token_revoked_after_everything_of_its_user(world: World) -> Asks:
    _, refresh = world.mail.grant()
    return post("/devices/end-all", world.ada.pocket()), revoke(world.mail, refresh)


@way
def a_refresh_token_revoked_after_its_app_was_ended_on_the_devices_page(world: World) -> Asks:
    tokens = Flow(world.web).connect(world.ada)
    [app] = [line for line in world.ada.sessions() if line["app"]]
    return post(f"/devices/{app['sid']}/end", world.ada.pocket()), revoke(world.web, tokens["refresh_token"])


@way
def two_devices_that_end_a_third(world: World) -> Asks:
    tablet = world.nodes.here.browser("Safari on macOS")
    tablet.sign_in()
    end = f"/devices/{world.phone_id}/end"
    return post(end, world.ada.pocket()), post(end, tablet.pocket())


@way
def an_app_ended_twice_on_the_devices_page(world: World) -> Asks:
    Flow(world.web).connect(world.ada)
    [app] = [line for line in world.ada.sessions() if line["app"]]
    return both(post(f"/devices/{app['sid']}/end", world.ada.pocket()))


@way
def an_app_that_ended_with_its_browser_ended_again(world: World) -> Asks:
    Flow(world.web).connect(world.ada)
    [app] = [line for line in world.ada.sessions() if line["app"]]
    return sign_out(world.ada), post(f"/devices/{app['sid']}/end", world.phone.pocket())


@way
def the_others_ended_twice(world: World) -> Asks:
    return both(post("/devices/end-others", world.ada.pocket()))


@way
def the_others_ended_by_one_of_them(world: World) -> Asks:
    others = "/devices/end-others"
    return post(others, world.ada.pocket()), post(others, world.phone.pocket())


@way
def everything_ended_twice(world: World) -> Asks:
    return both(post("/devices/end-all", world.ada.pocket()))


@way
def everything_ended_while_one_session_is(world: World) -> Asks:
    return sign_out(world.phone), post("/devices/end-all", world.ada.pocket())


@way
def a_sign_in_that_replaces_what_was_ended(world: World) -> Asks:
    return sign_out(world.ada), post("/sign-in", world.ada.pocket(), email="ada@example.org", password=PASSWORD)


@way
def two_sign_ins_that_replace_the_same(world: World) -> Asks:
    return both(post("/sign-in", world.ada.pocket(), email="root@example.org", password=PASSWORD))


@way
def a_sign_up_that_replaces_what_was_ended(world: World) -> Asks:
    new = {"name": "Bob", "email": "bob@example.org", "password": PASSWORD}
    return sign_out(world.ada), post("/sign-up", world.ada.pocket(), **new)


@way
def the_password_changed_twice(world: World) -> Asks:
    form = {"current": PASSWORD, "password": f"{PASSWORD} and one", "end_others": "y"}
    return both(post("/account/password", world.ada.pocket(), **form))


@way
def the_password_changed_after_the_others_were_ended(world: World) -> Asks:
    form = {"current": PASSWORD, "password": f"{PASSWORD} and one", "end_others": "y"}
    return sign_out(world.phone), post("/account/password", world.ada.pocket(), **form)


@way
def a_confirmation_by_a_session_that_was_ended(world: World) -> Asks:
    return sign_out(world.ada), post("/confirm", world.ada.pocket(), password=PASSWORD, action="all")


@way
def an_app_that_asks_for_a_sign_out_twice(world: World) -> Asks:
    hint = Flow(world.web).connect(world.ada)["id_token"]
    path = f"/oauth/end-session?{urlencode({'id_token_hint': hint, 'post_logout_redirect_uri': BYE})}"
    return both(post(path, world.ada.pocket(), decision="sign-out"))


@way
def an_app_that_is_led_back_as_nothing_is_left_to_end(world: World) -> Asks:
    hint, pocket = Flow(world.web).connect(world.ada)["id_token"], world.ada.pocket()
    path = f"/oauth/end-session?{urlencode({'id_token_hint': hint, 'post_logout_redirect_uri': BYE})}"
    return sign_out(world.ada), lambda site: holding(site, pocket).get(path)


@way
def a_code_used_a_third_time(world: World) -> Asks:
    flow = Flow(world.web)
    code = flow.allow(world.ada)
    assert flow.exchange(code).status_code == 200
    return both(lambda site: replace(flow, app=replace(world.web, site=site)).exchange(code))


@way
def an_old_refresh_token_of_an_app_used_twice(world: World) -> Asks:
    _, old = world.mail.grant()
    successor = world.mail.refresh(old).get_json()["refresh_token"]
    assert world.mail.refresh(successor).status_code == 200
    world.nodes.here.wait(60)
    return both(lambda site: replace(world.mail, site=site).refresh(old))


@way
def an_old_refresh_token_of_a_browser_used_twice(world: World) -> Asks:
    old = spent(world.ada)
    spent(world.ada)
    world.nodes.here.wait(60)
    return both(lambda site: holding(site, {REFRESH: old}).get("/account"))


@way
def one_session_ended_twice_by_an_administrator(world: World) -> Asks:
    return both(world.admin(f"sessions/{world.phone_id}/end"))


@way
def everything_ended_twice_by_an_administrator(world: World) -> Asks:
    return both(world.admin("end-all"))


@way
def an_account_closed_twice(world: World) -> Asks:
    return both(world.admin("disable"))


@way
def one_session_ended_in_the_shell_after_a_sign_out(world: World) -> Asks:
    sid = world.phone_id
    return sign_out(world.phone), flask("sessions", "end", "ada@example.org", "--sid", sid)


@way
def everything_ended_in_the_shell_after_a_sign_out(world: World) -> Asks:
    return sign_out(world.phone), flask("sessions", "end", "ada@example.org")


@way
def an_account_closed_in_the_shell_after_it_was_closed(world: World) -> Asks:
    return world.admin("disable"), flask("users", "disable", "ada@example.org")


@way
def an_app_removed_after_its_session_was_ended(world: World) -> Asks:
    _, refresh = world.mail.grant()
    return revoke(world.mail, refresh), flask("clients", "remove", world.mail.id)


@pytest.mark.parametrize("name", WAYS)
def test_both_answers_come_once_every_node_knows(world: World, name: str) -> None:
    first, second = WAYS[name](world)
    nodes = world.nodes
    nodes.fall_asleep()
    with ThreadPoolExecutor(2) as threads:
        try:
            one = nodes.begin(threads, first, nodes.here)
            assert nodes.revocations() > 0
            assert not one.done(), "the first was answered too soon"
            two = nodes.begin(threads, second, nodes.there)
            assert not two.done(), f"the second was answered too soon: {two.done() and two.result()}"
        finally:
            nodes.wake_up()
        one.result()
        two.result()


def test_requests_that_only_read_do_not_wait(world: World) -> None:
    access, refresh = world.mail.grant()
    looks: list[Ask] = [
        lambda site: holding(site, world.root.pocket()).get("/account"),
        lambda site: holding(site, gone).get("/devices"),
        lambda site: holding(site, gone).get(f"/live?session={sid}&at=/"),
        lambda site: holding(site, gone).get("/sign-out"),
        lambda site: holding(site, ada).get("/devices"),
        lambda site: holding(site, ada).get("/devices", Accept="application/json"),
        lambda site: site.browser().api(access),
        lambda site: replace(world.mail, site=site).post("/oauth/introspect", token=access),
        lambda site: replace(world.mail, site=site).post("/oauth/introspect", token=refresh),
        lambda site: replace(world.mail, site=site).refresh(refresh),
    ]
    gone, ada, sid = world.phone.pocket(), world.ada.pocket(), world.phone_id
    nodes = world.nodes
    nodes.fall_asleep()
    with ThreadPoolExecutor(3) as threads:
        ends = [
            nodes.begin(threads, post("/sign-out", gone), nodes.here),
            nodes.begin(threads, revoke(world.mail, refresh), nodes.here),
        ]
        try:
            before = nodes.looks(nodes.there)
            for look in looks:
                assert nodes.begin(threads, look, nodes.there).done()
            assert nodes.looks(nodes.there) == before
            assert not any(end.done() for end in ends)
        finally:
            nodes.wake_up()


def test_a_time_out_has_no_entry_and_no_answer_waits_for_it(world: World) -> None:
    nodes, sid = world.nodes, world.phone_id
    old, phone = spent(world.phone), world.phone.pocket()
    nodes.here.wait(13 * 60 * 60)
    world.ada.sign_in()
    before = nodes.revocations()
    looks = nodes.looks(nodes.there)
    nodes.fall_asleep()
    for ask in [
        post("/sign-out", phone),
        post("/sign-out", {REFRESH: phone[REFRESH]}),
        post("/sign-out", {ACCESS: phone[ACCESS]}),
        post("/devices/end-all", phone),
        post(f"/devices/{sid}/end", world.ada.pocket()),
        lambda site: holding(site, {REFRESH: old}).get("/account"),
    ]:
        assert ask(nodes.there).status_code == 303
    assert (nodes.revocations(), nodes.looks(nodes.there)) == (before, looks)
    assert {line["reason"] for line in world.ada.sessions() if line["sid"] == sid} == {"expired"}


def test_a_session_that_has_just_timed_out_is_ended_as_another_clock_may_be_behind(world: World) -> None:
    nodes, phone = world.nodes, world.phone.pocket()
    nodes.here.wait(12 * 60 * 60)
    assert not holding(nodes.here, phone).is_signed_in()
    before = nodes.revocations()
    post("/sign-out", phone)(nodes.there)
    assert nodes.revocations() == before + 1


def test_an_end_that_every_node_has_confirmed_costs_one_look_into_the_registry(world: World) -> None:
    access, refresh = world.mail.grant()
    replace(world.mail, site=world.nodes.here).revoke(refresh)
    before = world.nodes.looks(world.nodes.there)
    for token in (refresh, access):
        assert replace(world.mail, site=world.nodes.there).revoke(token).status_code == 200
    assert world.nodes.looks(world.nodes.there) == before + 2


@pytest.mark.nodes("waking by Redis")
def test_the_receipt_is_made_after_the_wait_and_says_which_nodes_confirmed(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    nodes, pocket = world.nodes, world.ada.pocket()
    proved: list[str] = []
    read_me = own_server.read_me
    monkeypatch.setattr(own_server, "read_me", lambda token: proved.append(token) or read_me(token))
    nodes.fall_asleep()
    with ThreadPoolExecutor(2) as threads:
        first, second = (nodes.begin(threads, post("/sign-out", pocket), site) for site in (nodes.here, nodes.there))
        assert not proved
        nodes.wake_up()
        page = receipt(nodes.here, first.result())
    assert proved == [pocket[ACCESS]]
    assert "3 of 3 nodes had confirmed it after" in page
    assert RECEIPT not in second.result().headers.get("Set-Cookie", ""), "it goes to the request that ended the session"


def test_a_node_that_stays_away_is_waited_out_and_counted_on_the_receipt(
    nodes: Nodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    pocket = nodes.here.member().pocket()
    nodes.fall_asleep()
    monkeypatch.setattr(
        nodes.here.app.extensions["delivery"].lease, "seconds", 0.3
    )  # so that the test need not wait for long
    page = receipt(nodes.here, post("/sign-out", pocket)(nodes.here))
    assert "2 of 3 nodes had confirmed it" in page


def receipt(site: Site, answer: TestResponse) -> str:
    """The page to which this answer leads."""
    given = answer.headers.getlist("Set-Cookie")
    [kept] = [line.partition("=")[2].partition(";")[0] for line in given if line.startswith(f"{RECEIPT}=")]
    return holding(site, {RECEIPT: kept}).get("/signed-out").text


def test_dead_tokens_that_ask_for_an_end_are_not_told_of_one_that_cannot_be_looked_up(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Standing) -> bool:
        raise StoreUnavailable("silent")

    pocket, ended_meanwhile = world.phone.pocket(), world.ada.pocket()
    world.phone.sign_out()
    monkeypatch.setattr(Standing, "await_end", fail)
    answers = [post("/devices/end-all", pocket)(world.nodes.there)]
    monkeypatch.setattr(Standing, "goes_on", lambda _: False)
    answers.append(post("/devices/end-all", ended_meanwhile)(world.nodes.there))
    assert [(answer.status_code, answer.headers["Retry-After"]) for answer in answers] == [(503, "5")] * 2


@pytest.mark.sqlite
def test_on_one_machine_nothing_is_waited_for(site: Site, other_node: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "count", lambda *_: pytest.fail("there is no registry to look into"))
    pocket = site.member().pocket()
    for node in (site, other_node):
        assert post("/sign-out", pocket)(node).status_code == 303
        assert not holding(node, pocket).is_signed_in()
