"""People are found by what is known of them, and shown as they are."""

import re
from html import unescape

import pytest
from sqlalchemy import text, update

from app.identity import directory
from app.identity.users import User
from app.store.db import db, writing
from app.web.admin import people
from tests import plans
from tests.browsers import Browser, Site
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow
from tests.web.admin.conftest import person_id

pytestmark = pytest.mark.page


def found(browser: Browser, query: str = "") -> list[str]:
    """The addresses that are listed, in their order."""
    return re.findall(r"<small>(\S+@\S+?),", browser.get(f"/admin{query}").text)


@pytest.mark.stores("a search that ignores case")
def test_they_are_found_by_a_part_of_the_address_or_name_or_by_the_whole_id(
    site: Site, root: Browser, ada: Browser
) -> None:
    site.browser().sign_up("grace@example.org", name="Rear Admiral Hopper")
    ids = person_id(site)
    for asked in ("grace", "GRACE@EXAMPLE", "admiral hop", person_id(site, "grace@example.org")):
        assert found(root, f"?q={asked}") == ["grace@example.org"]
    for asked in ("%25", "_", "nobody", ids[:-1], "%00%27"):
        assert found(root, f"?q={asked}") == [], asked
    assert "No account matches “nobody”" in root.get("/admin?q=nobody").text
    assert "1 account matches “grace”" in root.get("/admin?q=grace").text


def follow(browser: Browser, label: str, query: str = "") -> str:
    """The question behind the link of this name."""
    [href] = re.findall(rf'href="/admin([^"]*)"[^>]*>{label}<', browser.get(f"/admin{query}").text)
    return unescape(href)


def add(site: Site, *names: str) -> None:
    """Let a user of each name join, a second after the other."""
    for name in names:
        site.wait(1)
        site.member(f"{name}@example.org")


@pytest.mark.stores("the order of a list, and where it goes on")
def test_without_a_question_the_newest_come_first_a_page_at_a_time(
    site: Site, root: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "PAGE_SIZE", 2)
    add(site, "ann", "ben", "cy")
    assert found(root) == ["cy@example.org", "ben@example.org"]
    older = follow(root, "Older accounts")
    add(site, "dee")  # moves no account to another page
    assert found(root, older) == ["ann@example.org", "root@example.org"]
    assert "Older accounts" not in root.get(f"/admin{older}").text
    assert follow(root, "Newest accounts", older) == ""
    assert "There are 5 accounts here" in root.get("/admin").text
    monkeypatch.setattr(people, "MOST_COUNTED", 4)
    assert "There are more than 4 accounts here" in root.get("/admin").text


@pytest.mark.stores("the order of a list, and where it goes on")
def test_accounts_of_one_second_are_listed_once_each(
    site: Site, root: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("ann", "ben", "cy", "dee"):
        site.member(f"{name}@example.org")
    with site.app.app_context(), writing():
        db.session.execute(update(User).values(created_at=1))
    expected = sorted(found(root))
    assert len(expected) == 5
    monkeypatch.setattr(people, "PAGE_SIZE", 2)
    pages = [found(root), found(root, older := follow(root, "Older accounts"))]
    pages.append(found(root, follow(root, "Older accounts", older)))
    assert [len(page) for page in pages] == [2, 2, 1]
    assert sorted(address for page in pages for address in page) == expected


def test_a_place_that_no_page_has_named_is_the_beginning(site: Site, root: Browser, ada: Browser) -> None:
    for place in ("0", "-1", "x", "9" * 30, "1-", f"{'9' * 16}-x", "1-x y", "1-%00", "-", "1-" + "x" * 65):
        assert found(root, f"?before={place}") == found(root), place
    assert found(root, "?before=1-x") == []
    assert found(root, f"?before={'9' * 15}-x") == found(root)


@pytest.mark.stores("a search that goes on")
def test_a_search_goes_on_where_its_page_ended(site: Site, root: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    add(site, "ann", "ben.x", "cy", "dee.x", "ed.x")
    monkeypatch.setattr(people, "PAGE_SIZE", 2)
    assert found(root, "?q=.x@") == ["ed.x@example.org", "dee.x@example.org"]
    assert "More than 2 accounts match “.x@”" in root.get("/admin?q=.x@").text
    older = follow(root, "Older accounts", "?q=.x@")
    assert found(root, older) == ["ben.x@example.org"]
    assert "1 older account matches “.x@”" in root.get(f"/admin{older}").text
    assert follow(root, "Newest accounts", older) == "?q=.x%40"
    assert "so far" not in root.get(f"/admin{older}").text


@pytest.mark.stores("a search that goes on")
def test_a_search_among_many_accounts_says_that_it_has_not_compared_all_and_goes_on(
    site: Site, root: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(site, "ann.x", "ben", "cy", "dee.x", "ed")
    monkeypatch.setattr(directory, "LOOKED_THROUGH", 2)
    said = root.get("/admin?q=.x@").text
    assert "1 account matches “.x@” so far" in said
    assert "Older accounts have not been searched yet" in said
    assert found(root, "?q=.x@") == ["dee.x@example.org"]
    older = follow(root, "Search older accounts", "?q=.x@")
    assert "No older account matches “.x@” so far" in root.get(f"/admin{older}").text
    last = follow(root, "Search older accounts", older)
    assert found(root, last) == ["ann.x@example.org"]
    assert "so far" not in root.get(f"/admin{last}").text
    assert "Search older" not in root.get(f"/admin{last}").text


def test_a_whole_address_or_id_is_found_however_many_accounts_are_newer_and_listed_once(
    site: Site, root: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    add(site, "ann", "joann", "ben", "cy", "dee")
    monkeypatch.setattr(directory, "LOOKED_THROUGH", 2)
    for typed in ("ann@example.org", "ANN@Example.org", person_id(site, "ann@example.org")):
        assert found(root, f"?q={typed}") == ["ann@example.org"]
    older = follow(root, "Search older accounts", "?q=ann@example.org")
    assert found(root, older) == ["joann@example.org"]
    assert found(root, follow(root, "Search older accounts", older)) == []
    monkeypatch.setattr(directory, "LOOKED_THROUGH", 100)
    assert found(root, "?q=ann@example.org") == ["ann@example.org", "joann@example.org"]


@pytest.mark.sqlite
@pytest.mark.parametrize("query", ["", "?q=a", "?before=9999999999-x", "?q=a&before=9999999999-x"])
def test_no_page_reads_or_sorts_all_accounts(
    site: Site, root: Browser, ada: Browser, query: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory, "LOOKED_THROUGH", 1)
    with plans.noting(site, "SELECT") as asked:
        assert root.get(f"/admin{query}").status_code == 200
    steps = [
        (statement, step)
        for statement, plan in plans.explain(site.folder, asked)
        for step in plan.splitlines()
        if re.match(r"(SCAN|SEARCH) (users|activity|logout_messages)|USE TEMP", step)
    ]
    for statement, step in steps:
        assert " USING " in step, f"{statement}\n{step}"  # and no temporary tree to sort by
        assert step.startswith("SEARCH") or "LIMIT" in statement, f"{statement}\n{step}"
    listed = [step for statement, step in steps if "created_at DESC" in statement]
    assert len(listed) == 1 + ("q=" in query)
    assert all("INDEX users_by_age" in step for step in listed), listed


@pytest.mark.sqlite
def test_the_list_counts_the_sessions_of_those_whom_it_lists_and_reads_no_others(
    site: Site, root: Browser, ada: Browser
) -> None:
    with plans.noting(site, "SELECT") as asked:
        assert "on 1 device" in root.get("/admin").text
    counted = [plan for statement, plan in plans.explain(site.folder, asked) if "count(*)" in statement]
    read = [line for plan in counted for line in plan.splitlines() if "sessions" in line]
    assert read, counted
    assert all("sessions_of_user (user_id=? AND ended_entry=?" in line for line in read), counted


def test_the_list_says_where_each_is_signed_in(
    site: Site, root: Browser, ada: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.browser("Chrome on Android").sign_in()
    site.member("ben@example.org").sign_out()
    site.member("cy@example.org")
    site.run("users", "disable", "cy@example.org")
    said = root.get("/admin").text
    for words in ("on 2 devices", "on 1 device", "not signed in", "closed", "administrator"):
        assert words in said
    monkeypatch.setattr(people, "MOST_DEVICES", 2)
    said = root.get("/admin").text
    for words in ("on 2 or more devices", "on 1 device"):
        assert words in said


def test_the_page_of_a_person_shows_browsers_with_their_apps_and_apps_on_their_own(
    site: Site, root: Browser, ada: Browser, page: str
) -> None:
    photos, notes = register_app(site, "Photos"), register_app(site, "Notes")
    Flow(photos, "openid").connect(ada)
    Flow(notes, "openid offline_access").connect(ada)
    said = root.get(page).text
    assert "Ada is signed in on 1 device" in said
    [inside] = re.findall(r'aria-label="Apps that end with Firefox on Linux">(.*?)</ul>', said, re.S)
    assert "End Photos" in inside
    assert "End Notes" not in inside
    assert "End Notes" in said
    ada.sign_out()
    said = root.get(page).text
    assert "Ada is not signed in" in said
    assert "Apps that still have access" in said
    assert "and with it Photos" in said
    assert "End all sessions of Ada" in said
    root.post(f"{page}/end-all")
    said = root.get(f"{page}?done=all").text
    assert "All sessions have ended" in said
    assert "End all sessions" not in said


def test_it_speaks_of_the_person_and_not_to_them(site: Site, root: Browser, ada: Browser, page: str) -> None:
    phone = site.browser("Chrome on Android")
    phone.sign_in()
    ada.post("/devices/end-others")
    ada.post("/devices/end-all")
    said = root.get(page).text
    assert "they signed out everywhere" in said
    assert "from another of their browsers" in said
    assert not re.search(r"\byour?\b", said)


def test_two_browsers_of_one_kind_are_told_apart(site: Site, root: Browser, ada: Browser, page: str) -> None:
    site.browser().sign_in()
    buttons = re.findall(r"<button>(End .*?)</button>", root.get(page).text)
    assert len(buttons) == len(set(buttons)) == 2


def test_only_the_latest_browsers_are_listed_and_all_are_counted(
    site: Site, root: Browser, ada: Browser, page: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "LISTED_SESSIONS", 1)
    site.browser("Chrome on Android").sign_in()
    said = root.get(page).text
    assert "Ada is signed in on 2 devices" in said
    assert "These are the 1 used most recently, of 2" in said


@pytest.mark.parametrize("done", ["ended", "already", "all", "disabled", "own", "nothing"])
def test_an_address_proves_nothing(root: Browser, ada: Browser, page: str, done: str) -> None:
    said = root.get(f"{page}?done={done}&sid={ada.session()['sid']}").text
    assert 'role="status"' not in said


def test_a_user_who_is_called_like_a_piece_of_html_is_shown_as_text(site: Site, root: Browser) -> None:
    site.browser().sign_up("eve@example.org", name="<script>alert(1)</script>")
    for path in ("/admin", "/admin?q=<script>", f"/admin/people/{person_id(site, 'eve@example.org')}"):
        assert "<script>alert" not in root.get(path).text


def test_a_user_of_whom_nothing_is_kept_has_a_page(site: Site, root: Browser, ada: Browser, page: str) -> None:
    ada.sign_out()
    with site.app.app_context(), writing():
        db.session.execute(text("DELETE FROM activity"))
    site.wait(31 * 24 * 60 * 60)
    root.sign_in("root@example.org")
    said = root.get(page).text
    assert "Nothing in the last 90 days" in said
    assert "Ended in the last 30 days" not in said
