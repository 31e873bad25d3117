"""People are found by what is known of them, and shown as they are."""

import re

import pytest
from sqlalchemy import text

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


def test_without_a_question_the_newest_come_first_a_page_at_a_time(
    site: Site, root: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people, "PAGE_SIZE", 2)
    for name in ("ann", "ben", "cy"):
        site.wait(1)
        site.member(f"{name}@example.org")
    assert found(root) == ["cy@example.org", "ben@example.org"]
    assert found(root, "?page=2") == ["ann@example.org", "root@example.org"]
    assert "There are 4 accounts here" in root.get("/admin").text
    assert "Page 2 of 2" in root.get("/admin?page=2").text
    assert 'href="/admin?page=2&amp;q=example"' in root.get("/admin?q=example").text
    for page in ("0", "-1", "x", "99999999999999999999"):
        assert root.get(f"/admin?page={page}").status_code == 200


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


def test_the_list_says_where_each_is_signed_in(site: Site, root: Browser, ada: Browser) -> None:
    site.browser("Chrome on Android").sign_in()
    site.member("ben@example.org").sign_out()
    site.member("cy@example.org")
    site.run("users", "disable", "cy@example.org")
    said = root.get("/admin").text
    for words in ("on 2 devices", "on 1 device", "not signed in", "closed", "administrator"):
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
