"""Every design x every credential x every way in which a session ends: the verdict written down, and found by requests.

The verdict is of the moment right after the end, with a minute since the sign-in and before the next poll. Why it is what
it is follows from three sentences:

- An access token is judged by its design: who asks, or was told, knows at once; who polls knows at the next poll; who
  remembers nothing never knows. One that has expired is refused by all.
- A refresh token and a session cookie are looked up by the issuer itself, whatever the design: they are over at once when
  the server ended the session, and live on when it was told nothing.
- The browser's own forgetting changes nothing for whoever has a copy.
"""

import pytest

from app.lab.designs import ALL
from app.lab.run import Way
from tests.lab.conftest import Visitor

KNOWS_AT_ONCE = {
    "session", "client-data", "introspection", "introspection-push", "denylist-ask", "denylist-push", "allowlist-ask",
    "allowlist-push", "cutoff-ask", "cutoff-push", "status-list-ask", "status-list-push", "this-site",
}  # fmt: skip
KNOWS_AT_THE_NEXT_POLL = {
    "introspection-cached", "denylist-poll", "allowlist-poll", "cutoff-poll", "status-list", "transparency"
}  # fmt: skip
NEVER_KNOWS = {"expiry"}
BY_THE_SERVER = (Way.SIGN_OUT, Way.ELSEWHERE, Way.ALL, Way.PASSWORD, Way.DISABLED)


def expected(slug: str, credential: str, way: Way) -> bool:
    """Whether it is accepted right after."""
    if credential != "access token":
        return way not in BY_THE_SERVER
    if way is Way.EXPIRY:
        return False
    return way is Way.CLIENT or slug in KNOWS_AT_THE_NEXT_POLL | NEVER_KNOWS


def test_every_design_has_its_place_in_the_table() -> None:
    assert set(ALL) == KNOWS_AT_ONCE | KNOWS_AT_THE_NEXT_POLL | NEVER_KNOWS


@pytest.fixture
def ended(visitor: Visitor, way: Way) -> Visitor:
    visitor.sign_in_and_copy()
    visitor.press("time", step="minute")
    visitor.site.wait(10)
    visitor.press("sign-out", way=way.value)
    return visitor


@pytest.mark.question("Q3", "A14")
@pytest.mark.parametrize("way", Way)
def test_the_verdict_on_each_credential_in_each_design(ended: Visitor, way: Way) -> None:
    found = {(slug, "access token"): ended.present(slug)["accepted"] for slug in ALL}
    found |= {(slug, "session cookie"): ended.present_cookie() == 200 for slug in ALL}
    refreshed = ended.present_refresh() == 200
    found |= {(slug, "refresh token"): refreshed for slug in ALL}
    assert found == {(slug, credential): expected(slug, credential, way) for slug, credential in found}


@pytest.mark.parametrize("way", BY_THE_SERVER)
def test_after_the_next_poll_only_expiry_still_accepts_it(ended: Visitor, way: Way) -> None:
    ended.press("time", step="poll")
    ended.site.wait(1)
    assert [slug for slug in ALL if ended.present(slug)["accepted"]] == ["expiry"]


@pytest.mark.question("A16")
@pytest.mark.parametrize("way", [Way.SIGN_OUT, Way.ELSEWHERE])
def test_the_other_session_goes_on_except_where_one_time_stands_for_a_whole_person(ended: Visitor, way: Way) -> None:
    phone = ended.run().phone_access
    refused = [slug for slug in ALL if ALL[slug].token.value == "JWT" and not ended.present(slug, phone)["accepted"]]
    assert refused == ["cutoff-ask", "cutoff-push"]


@pytest.mark.question("A13")
@pytest.mark.parametrize("way", [Way.ALL, Way.DISABLED])
def test_an_end_of_everything_takes_the_other_session_along(ended: Visitor, way: Way) -> None:
    phone = ended.run().phone_access
    knows = [slug for slug in KNOWS_AT_ONCE if ALL[slug].token.value == "JWT"]
    assert not any(ended.present(slug, phone)["accepted"] for slug in knows)
