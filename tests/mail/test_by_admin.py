"""An administrator has a link sent: its owner chooses a new password, which the administrator never sees."""

import pytest

from tests.browsers import PASSWORD, Browser
from tests.mail.conftest import Post
from tests.web.admin.conftest import person_id

pytestmark = pytest.mark.page
NEW = "nine quiet walruses"


@pytest.fixture
def root(post: Post) -> Browser:
    """The browser of an administrator."""
    browser = post.site.member("root@example.org", "Safari on macOS")
    post.site.run("users", "admin", "root@example.org")
    return browser


def page(post: Post) -> str:
    """The administrator's page about Ada."""
    return f"/admin/people/{person_id(post.site)}"


def test_an_administrator_starts_a_recovery_and_its_owner_alone_chooses_the_password(post: Post, root: Browser) -> None:
    ada = post.verified()
    done = root.post(f"{page(post)}/recover").headers["Location"]
    letter = post.newest()
    assert "An administrator of" in letter.text
    said = root.get(done).text
    assert "on its way to ada@example.org" in said
    assert letter.link.rpartition("/")[2] not in said
    assert 'type="password"' not in said
    assert ada.is_signed_in(), "nothing has changed yet"
    visitor = post.site.browser("Safari on macOS")
    assert visitor.post(letter.link, password=NEW).status_code == 303
    assert not ada.is_signed_in()
    visitor.sign_in(password=NEW)
    assert "An administrator sent a link to choose a new password" in visitor.get("/activity").text


def test_it_takes_a_fresh_proof_of_the_administrator(post: Post, root: Browser) -> None:
    post.verified()
    post.site.wait(601)
    before = len(post.letters())
    asked = root.post(f"{page(post)}/recover").headers["Location"]
    assert "Send a link to choose a new password to Ada" in root.get(asked).text
    assert len(post.letters()) == before
    root.post("/confirm", action=asked.partition("=")[2], password=PASSWORD)
    assert post.newest().message["Subject"] == "Choose a new password"


def test_only_a_limited_number_of_links_is_sent(post: Post, root: Browser) -> None:
    post.verified()
    before = len(post.letters())
    assert {root.post(f"{page(post)}/recover").status_code for _ in range(5)} == {303}
    assert len(post.letters()) == before + 3


@pytest.mark.parametrize("state", ["unverified", "closed"])
def test_an_account_that_gets_no_recovery_gets_none_by_an_administrator(post: Post, root: Browser, state: str) -> None:
    if state == "closed":
        post.verified()
        root.post(f"{page(post)}/disable")
    else:
        post.site.member()
    before = len(post.letters())
    assert "Send a link" not in root.get(page(post)).text
    done = root.post(f"{page(post)}/recover").headers["Location"]
    assert "on its way" not in root.get(done).text
    assert len(post.letters()) == before
