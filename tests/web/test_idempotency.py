"""A form sent twice counts once: two clicks, Enter twice, or a lost answer."""

import re
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from types import SimpleNamespace

import pytest
from werkzeug.test import TestResponse

from app.identity import passwords
from app.store.db import db
from app.web import form_claims, idempotency, sign_in, step_up
from tests import backings
from tests.browsers import ACCESS, PASSWORD, RECEIPT, REFRESH, Browser, Pocket, Site, form

NEW = "nine quiet walruses"
LIVE = "SELECT count(*) FROM sessions WHERE ended_entry IS NULL"
TAKE_OVER = form_claims.PATIENCE_SECONDS + 1


class Killed(BaseException):
    """The process is killed: nothing that it would still have done is done."""


def kill(*_args: object, **_more: object) -> None:
    raise Killed


def copies(browser: Browser, *sites: Site) -> list[Browser]:
    """The same browser, as often as it presses: each time with the cookies of the first press."""
    return [with_cookies(site, jar(browser)) for site in sites]


def jar(browser: Browser) -> Pocket:
    return {cookie.key: cookie.value for cookie in browser.client._cookies.values()}


def with_cookies(site: Site, pocket: Pocket) -> Browser:
    browser = site.browser()
    for name, value in pocket.items():
        browser.client.set_cookie(name, value)
    return browser


def press(browsers: list[Browser], path: str, fields: dict[str, str]) -> list[TestResponse]:
    """Send the same form from each at once."""
    gate = threading.Barrier(len(browsers))

    def send(browser: Browser) -> TestResponse:
        gate.wait()
        return browser.post(path, **fields)

    with ThreadPoolExecutor(len(browsers)) as threads:
        return list(threads.map(send, browsers))


def given(answer: TestResponse) -> list[str]:
    """The cookies that an answer brings, and where it leads."""
    return [answer.headers.get("Location", ""), *answer.headers.getlist("Set-Cookie")]


def all_the_same(answers: list[TestResponse]) -> bool:
    return {answer.status_code for answer in answers} == {303} and len({tuple(given(one)) for one in answers}) == 1


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def visitor(site: Site) -> Browser:
    """A user with an account, in a browser that has never been here."""
    site.member().sign_out()
    return site.browser()


@pytest.fixture
def nodes(site: Site, other_node: Site) -> list[Site]:
    """Where four presses arrive."""
    return [site, other_node, site, other_node]


@pytest.mark.stores("a unique index")
def test_signing_up_twice_makes_one_account_and_signs_in(site: Site, nodes: list[Site]) -> None:
    visitor = site.browser()
    fields = form(visitor, "/sign-up", name="Ada", email="ada@example.org", password=PASSWORD)
    presses = copies(visitor, *nodes)
    assert all_the_same(press(presses, "/sign-up", fields))
    assert all(browser.is_signed_in() for browser in presses)
    assert site.query("SELECT count(*) FROM users") == [(1,)]
    assert site.query(LIVE) == [(1,)]


@pytest.mark.stores("a race")
def test_signing_in_twice_makes_one_row(site: Site, visitor: Browser, nodes: list[Site]) -> None:
    fields = form(visitor, "/sign-in", email="ada@example.org", password=PASSWORD)
    presses = copies(visitor, *nodes)
    assert all_the_same(press(presses, "/sign-in", fields))
    assert all(browser.is_signed_in() for browser in presses)
    assert site.query(LIVE) == [(1,)]


def test_changing_the_password_twice_leaves_this_browser_signed_in_without_a_ghost(
    site: Site, ada: Browser, nodes: list[Site]
) -> None:
    fields = form(ada, "/account/password", current=PASSWORD, password=NEW, end_others="y")
    presses = copies(ada, *nodes)
    answers = press(presses, "/account/password", fields)
    assert all_the_same(answers)
    assert all("Your password is changed" in browser.get(given(answers[0])[0]).text for browser in presses)
    assert site.query(LIVE) == [(1,)]
    assert site.query("SELECT count(*) FROM activity WHERE event = 'password_changed'") == [(1,)]


def test_signing_out_twice_gives_the_same_receipt_with_its_proof_to_both(
    site: Site, ada: Browser, nodes: list[Site]
) -> None:
    fields = form(ada, "/sign-out")
    presses = copies(ada, *nodes)
    assert all_the_same(press(presses, "/sign-out", fields))
    for browser in presses:
        assert "invalid_grant" in browser.get("/signed-out").text
        assert browser.get("/signed-out.tlog-proof").status_code == 200
    assert site.query("SELECT count(*) FROM receipts") == [(1,)]


def test_confirming_twice_counts_once(site: Site, ada: Browser, nodes: list[Site]) -> None:
    site.wait(601)
    ada.is_signed_in()
    fields = form(ada, "/confirm?next=/activity", password=PASSWORD, next="/activity")
    presses = copies(ada, *nodes)
    assert all_the_same(press(presses, "/confirm", fields))
    assert all(browser.is_signed_in() for browser in presses)
    assert site.query("SELECT count(*) FROM activity WHERE event = 'confirmed'") == [(1,)]


@pytest.mark.parametrize(
    ("path", "fields", "page"),
    [
        ("/devices/end-others", {}, "/devices"),
        ("/devices/end-all", {}, "/devices"),
        ("/devices/{sid}/end", {}, "/devices"),
        ("/devices/{sid}/name", {"name": "Phone"}, "/devices"),
    ],
)
def test_what_the_devices_page_sends_twice_is_answered_twice_and_done_once(
    site: Site, ada: Browser, path: str, fields: dict[str, str], page: str
) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    fields = form(ada, page, **fields)
    path = path.format(sid=phone.session()["sid"])
    before = site.query("SELECT count(*) FROM activity")[0][0]
    assert all_the_same(press(copies(ada, site, site), path, fields))
    assert site.query("SELECT count(*) FROM activity")[0][0] == before + 1


def test_a_press_that_brings_the_cookies_of_the_first_answer_gets_it_again(site: Site, ada: Browser) -> None:
    """A browser may have taken the cookies, and not yet left the page, when its user presses once more."""
    fields = form(ada, "/account/password", current=PASSWORD, password=NEW)
    answers = [ada.post("/account/password", **fields) for _ in range(3)]
    assert all_the_same(answers)
    assert ada.is_signed_in()
    fields = form(ada, "/sign-out")
    answers = [ada.post("/sign-out", **fields) for _ in range(3)]
    assert all_the_same(answers)
    assert "invalid_grant" in ada.get("/signed-out").text


@pytest.mark.parametrize("other", ["body", "path", "cookies", "id"])
def test_only_the_very_same_form_gets_the_answer(site: Site, visitor: Browser, other: str) -> None:
    fields = form(visitor, "/sign-in", email="ada@example.org", password=PASSWORD)
    first = visitor.post("/sign-in", **fields)
    thief = site.browser()
    if other == "body":
        fields["password"] = "wrong wrong"
    if other == "cookies":
        thief.client.set_cookie(RECEIPT, "another")
    if other == "id":
        fields = form(thief, "/sign-in", email="ada@example.org", password=PASSWORD)
    second = thief.post("/sign-in?next=/" if other == "path" else "/sign-in", **fields)
    assert given(first) != given(second)
    assert second.status_code == (422 if other == "body" else 303)


def test_an_answer_is_kept_for_a_minute(site: Site, visitor: Browser) -> None:
    fields = form(visitor, "/sign-in", email="ada@example.org", password=PASSWORD)
    first, second, third = copies(visitor, site, site, site)
    answer = first.post("/sign-in", **fields)
    site.wait(59)
    assert given(second.post("/sign-in", **fields)) == given(answer)
    site.wait(1)
    assert given(third.post("/sign-in", **fields)) != given(answer)
    assert third.is_signed_in()


def test_tokens_that_are_over_are_not_given_again(site: Site, visitor: Browser) -> None:
    fields = form(visitor, "/sign-in", email="ada@example.org", password=PASSWORD)
    first, second = copies(visitor, site, site)
    answer = first.post("/sign-in", **fields)
    first.sign_out()
    assert given(second.post("/sign-in", **fields)) != given(answer)
    assert second.is_signed_in()


def test_tokens_that_were_used_up_are_not_given_again(site: Site, visitor: Browser) -> None:
    fields = form(visitor, "/sign-in", email="ada@example.org", password=PASSWORD)
    first, second = copies(visitor, site, site)
    answer = first.post("/sign-in", **fields)
    first.forget(ACCESS)
    assert first.is_signed_in(), "with a new pair"
    assert given(second.post("/sign-in", **fields)) != given(answer)
    assert first.is_signed_in(), "an old token that came back would have ended it"


@pytest.mark.parametrize("email", ["ada@example.org", "bob@example.org"])
def test_back_after_sign_out_the_form_works_as_new_for_any_user(site: Site, visitor: Browser, email: str) -> None:
    site.member("bob@example.org").sign_out()
    fields = form(visitor, "/sign-in", email="ada@example.org", password=PASSWORD)
    visitor.post("/sign-in", **fields)
    visitor.sign_out()
    visitor.post("/sign-in", **fields | {"email": email})
    assert visitor.is_signed_in()
    assert email in visitor.get("/account").text


def test_other_credentials_in_the_same_form_sign_the_other_person_in(site: Site, visitor: Browser) -> None:
    site.member("bob@example.org").sign_out()
    fields = form(visitor, "/sign-in", email="ada@example.org", password=PASSWORD)
    visitor.post("/sign-in", **fields)
    visitor.post("/sign-in", **fields | {"email": "bob@example.org"})
    assert "bob@example.org" in visitor.get("/account").text
    assert site.query(LIVE) == [(1,)]


def test_a_form_that_failed_can_be_sent_again_at_once(site: Site, visitor: Browser) -> None:
    fields = form(visitor, "/sign-in", email="ada@example.org", password="wrong wrong")
    assert [visitor.post("/sign-in", **fields).status_code for _ in range(2)] == [422, 422]
    assert site.query("SELECT count(*) FROM forms_sent") == [(0,)]


def test_a_question_is_no_result(site: Site, ada: Browser) -> None:
    site.browser("Chrome on Android").sign_in()
    site.wait(601)
    ada.is_signed_in()
    fields = form(ada, "/devices")
    assert "/confirm" in ada.post("/devices/end-others", **fields).headers["Location"]
    assert site.query("SELECT count(*) FROM forms_sent") == [(0,)]


def test_a_program_that_sends_no_id_acts_each_time(site: Site, visitor: Browser) -> None:
    for browser in copies(visitor, site, site):
        browser.sign_in()
    assert site.query(LIVE) == [(2,)]
    assert site.query("SELECT count(*) FROM forms_sent") == [(0,)]


@pytest.mark.parametrize("path", ["/devices/end-all", "/sign-out", "/account/password"])
def test_the_page_of_one_person_does_not_post_for_another(site: Site, ada: Browser, path: str) -> None:
    site.member("bob@example.org").sign_out()
    fields = form(ada, "/account/password", current=PASSWORD, password=NEW)
    ada.sign_in("bob@example.org")
    answer = ada.post(path, {"Referer": "http://localhost:8000/account/password"}, **fields)
    assert answer.status_code == 409
    assert "That page was another person’s" in answer.text
    assert "Nothing was changed" in answer.text
    assert 'href="/account/password"' in answer.text
    assert 'href="/sign-in?next=/account/password"' in answer.text
    assert ada.is_signed_in()
    assert site.browser().sign_in("bob@example.org").status_code == 303


def test_a_page_does_not_reveal_for_whom_it_was_made(ada: Browser, site: Site) -> None:
    ids = [form(browser, "/sign-in")["once"] for browser in (ada, ada, site.browser())]
    assert len({part for one in ids for part in one.split(".")}) == 6


def test_a_forged_id_acts_for_no_signed_in_user(ada: Browser) -> None:
    for forged in ("x", "x.y", "ä." + "0" * 32, "."):
        assert ada.post("/devices/end-all", once=forged).status_code == 409
    assert ada.is_signed_in()


@pytest.mark.stores("durability")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_form_that_a_killed_process_had_claimed_is_taken_over(
    site: Site, other_node: Site, visitor: Browser, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    fields = form(visitor, "/sign-in", email="ada@example.org", password=PASSWORD)
    first, second = copies(visitor, site, other_node)
    begin = sign_in.begin

    def kill_after(*args: object, **more: object) -> None:
        begin(*args, **more)  # type: ignore[arg-type]
        raise Killed

    monkeypatch.setattr(sign_in, "begin", kill if moment == "before" else kill_after)
    with pytest.raises(Killed):
        first.post("/sign-in", **fields)
    monkeypatch.undo()
    site.wait(TAKE_OVER)
    assert second.post("/sign-in", **fields).status_code == 303
    assert second.is_signed_in()


@pytest.mark.stores("a race")
def test_a_process_that_lives_on_after_its_claim_was_taken_over_does_nothing(
    site: Site, other_node: Site, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = form(visitor, "/sign-in", email="ada@example.org", password=PASSWORD)
    first, second, third = copies(visitor, site, other_node, other_node)
    begin, answers = sign_in.begin, list[TestResponse]()

    def slowly(*args: object, **more: object) -> object:
        monkeypatch.setattr(sign_in, "begin", begin)
        site.wait(TAKE_OVER)
        answers.append(second.post("/sign-in", **fields))
        return begin(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(sign_in, "begin", slowly)
    answers.append(first.post("/sign-in", **fields))
    answers.append(third.post("/sign-in", **fields))
    assert all_the_same(answers)
    assert site.query("SELECT count(*) FROM sessions WHERE ended_entry IS NULL") == [(1,)]


TAKEN_OVER, LONG_AGO = "UPDATE forms_sent SET claim = substr(claim, 2)", "DELETE FROM forms_sent"


@pytest.mark.parametrize(
    ("path", "loss"),
    [("/devices/end-all", TAKEN_OVER), ("/devices/end-others", TAKEN_OVER), ("/devices/end-others", LONG_AGO)],
)
def test_a_process_whose_claim_was_taken_over_meanwhile_does_nothing(
    site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch, path: str, loss: str
) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    fields, perform, seconds = form(ada, "/devices"), step_up.perform, count()

    def be_late(action: str) -> object:
        with backings.shell(site.folder) as connection:
            connection.execute(loss)
        return perform(action)

    monkeypatch.setattr(step_up, "perform", be_late)
    monkeypatch.setattr(idempotency, "time", SimpleNamespace(sleep=lambda _: None, monotonic=lambda: next(seconds)))
    answer = ada.post(path, **fields)
    assert answer.status_code == 503
    assert "This was sent already" in answer.text
    assert ada.is_signed_in()
    assert phone.is_signed_in()


@pytest.mark.nodes
def test_a_process_whose_claim_is_being_taken_over_while_it_keeps_its_answer_does_nothing(
    site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    fields, perform, seconds, is_locked = form(ada, "/devices"), step_up.perform, count(), threading.Event()
    with backings.shell(site.folder) as other, ThreadPoolExecutor(1) as beside:

        def be_late(action: str) -> object:
            other.execute("BEGIN")
            other.execute(TAKEN_OVER)
            is_locked.set()
            return perform(action)

        monkeypatch.setattr(step_up, "perform", be_late)
        monkeypatch.setattr(idempotency, "time", SimpleNamespace(sleep=lambda _: None, monotonic=lambda: next(seconds)))
        sent = beside.submit(ada.post, "/devices/end-others", **fields)
        is_locked.wait()
        backings.until_it_waits(sent, site.folder)
        other.execute("COMMIT")
        answer = sent.result()
    assert "This was sent already" in answer.text
    assert phone.is_signed_in()


@pytest.mark.stores("connections")
def test_a_second_press_waits_without_a_connection(
    site: Site, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = form(visitor, "/sign-in", email="ada@example.org", password=PASSWORD)
    waiting, go_on = threading.Event(), threading.Event()
    check, held = passwords.check, list[bool]()

    def sleep(_seconds: float) -> None:
        held.append(db.session().in_transaction())
        waiting.set()
        go_on.wait(10)

    def slowly(hashed: str | None, password: str) -> str | None:
        assert waiting.wait(10), "the second press has come"
        go_on.set()
        return check(hashed, password)

    monkeypatch.setattr(idempotency, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))
    monkeypatch.setattr(passwords, "check", slowly)
    assert all_the_same(press(copies(visitor, site, site), "/sign-in", fields))
    assert set(held) == {False}


def test_a_second_press_waits_so_long_even_if_the_clock_stands_still(
    site: Site, other_node: Site, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    fields = form(visitor, "/sign-in", email="ada@example.org", password=PASSWORD)
    first, second = copies(visitor, site, other_node)
    monkeypatch.setattr(sign_in, "begin", kill)
    with pytest.raises(Killed):
        first.post("/sign-in", **fields)
    monkeypatch.undo()
    seconds, waited = count(), list[float]()
    monkeypatch.setattr(idempotency, "time", SimpleNamespace(sleep=waited.append, monotonic=lambda: next(seconds)))
    assert second.post("/sign-in", **fields).status_code == 303
    assert len(waited) == form_claims.PATIENCE_SECONDS - 1
    assert second.is_signed_in()


def test_what_is_kept_cannot_be_read_in_the_database(site: Site, visitor: Browser) -> None:
    fields = form(visitor, "/sign-in", email="ada@example.org", password=PASSWORD)
    visitor.post("/sign-in", **fields)
    kept = b"".join(bytes(part) for row in site.query("SELECT name, claim, answer FROM forms_sent") for part in row)
    for secret in (fields["once"], PASSWORD, "ada@example.org", *visitor.pocket().values(), "sign-in?arrived"):
        assert secret.encode() not in kept


def test_what_is_kept_is_forgotten_in_passing(site: Site, visitor: Browser) -> None:
    for _ in range(3):
        visitor.sign_in(once=form(visitor, "/sign-in")["once"])
    [(before,)] = site.query("SELECT max(at) FROM forms_sent")
    site.wait(form_claims.KEPT_SECONDS + TAKE_OVER)
    visitor.sign_in(once=form(visitor, "/sign-in")["once"])
    assert site.query("SELECT min(at) FROM forms_sent")[0][0] > before


def test_a_dead_store_keeps_no_browser_from_forgetting_its_tokens(site: Site, ada: Browser) -> None:
    fields = form(ada, "/sign-out")
    site.impatient()
    with backings.locked(site.folder):
        assert ada.post("/sign-out", **fields).status_code == 503
        assert ada.pocket() == {}
        assert ada.post("/devices/end-all", **fields).status_code == 503
    assert ada.post("/sign-out", **fields).status_code == 303
    assert "invalid_grant" in ada.get("/signed-out").text


@pytest.mark.parametrize("act", [Browser.sign_out, Browser.sign_in])
def test_a_result_is_never_the_answer_to_a_form(ada: Browser, act: Callable[[Browser], TestResponse]) -> None:
    assert act(ada).status_code == 303
    ada.sign_in()
    answer = ada.post("/account/password", current=PASSWORD, password=NEW)
    assert answer.status_code == 303
    for _ in range(2):  # reloading the result is harmless
        assert "Your password is changed" in ada.get(answer.headers["Location"]).text


def test_the_address_of_a_result_proves_nothing(site: Site, ada: Browser) -> None:
    assert "Your password is changed" not in ada.get("/account/password?done=changed").text
    answer = ada.post("/account/password", current=PASSWORD, password=NEW)
    site.wait(60)
    assert "Your password is changed" not in ada.get(answer.headers["Location"]).text


def test_every_form_that_acts_carries_the_id(site: Site, ada: Browser) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    site.run("users", "admin", "ada@example.org")
    for path in ("/sign-in", "/sign-up", "/sign-out", "/devices", "/account/password", "/confirm", "/nowhere", "/lab"):
        page = ada.get(path).text
        forms = re.findall(r'<form action="(?!/lab)[^"]*" method="post".*?</form>', page, re.DOTALL)
        forms += re.findall(r'<form class="[^"]*" action="(?!/lab)[^"]*" method="post".*?</form>', page, re.DOTALL)
        assert forms
        ids = [re.findall(r'name="once" value="([^"]+)"', one) for one in forms]
        assert all(len(found) == 1 for found in ids), path
        assert len({found[0] for found in ids}) == 1, "one for each page"


def test_tokens_are_as_good_from_the_second_answer(site: Site, other_node: Site, visitor: Browser) -> None:
    fields = form(visitor, "/sign-in", email="ada@example.org", password=PASSWORD, keep="y")
    presses = copies(visitor, site, other_node)
    press(presses, "/sign-in", fields)
    second = presses[1]
    site.wait(301)
    assert second.is_signed_in()
    assert second.pocket()[REFRESH] != presses[0].pocket()[REFRESH]
