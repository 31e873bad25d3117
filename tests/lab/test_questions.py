"""Every claim of the path, tried for real once; then what it showed, claim by claim."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from app import clock
from app.lab import questions, verifier
from app.lab.costs import timing
from app.lab.verifier import Verdict
from tests.browsers import Site
from tests.lab.walk import Walk, walk_through

page = pytest.mark.page
IDS = list(questions.ALL)


@pytest.fixture(scope="module")
def walk(shared_instance: Path) -> Iterator[Walk]:
    """The whole path, gone through once, while the clock stands still."""
    site, now = Site(shared_instance), int(time.time())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "time", SimpleNamespace(time=lambda: now))
        yield walk_through(site, IDS)
    site.close()


@page
def test_there_is_a_page_for_every_claim() -> None:
    assert [*IDS] == [*(f"Q{number}" for number in range(1, 10)), *(f"A{number}" for number in range(1, 18))]
    assert all(2 <= len(question.choices) <= 4 for question in questions.ALL.values())


@page
@pytest.mark.parametrize("name", IDS)
def test_the_prediction_comes_first_and_then_what_happened(walk: Walk, name: str) -> None:
    question, step = questions.ALL[name], walk[name]
    assert f"“{question.claim}”" in step.before
    assert question.ask in step.before
    assert 'id="answer"' not in step.before
    assert question.explain not in step.before
    assert all(f'value="{choice}"' in step.before for choice in question.choices)
    assert step.found in question.choices
    assert f"<h2>{question.choices[step.found]}</h2>" in step.after
    assert step.kept["evidence"]["says"] in step.after
    assert question.explain in step.after
    assert all(f'href="{link.path}"' in step.after for link in question.go_on)
    assert "<fieldset" not in step.after or question.also
    assert step.kept["right"] is (step.kept["guess"] == step.found)


@page
@pytest.mark.question("Q1")
def test_a_jwt_is_accepted_without_any_look_up(walk: Walk) -> None:
    assert walk["Q1"].statuses() == [200, 200, 200]
    assert [len(row["look_ups"]) for row in walk["Q1"].rows()] == [0, 1, 1]
    assert walk["Q1"].found == "none"


@page
@pytest.mark.question("Q2")
def test_the_request_to_the_revocation_endpoint_and_its_answer_are_shown_and_end_the_token(walk: Walk) -> None:
    exchange = walk["Q2"].kept["evidence"]["exchange"]
    assert exchange["request"]["line"] == "POST /lab/revoke"
    assert exchange["response"]["line"] == "200 OK"
    assert "…" in exchange["request"]["body"]
    assert walk["Q2"].statuses() == [400, 400]
    assert walk["Q2"].found == "nothing"


@page
@pytest.mark.question("Q3")
def test_only_those_refuse_the_copy_that_ask_or_were_told_or_remember(walk: Walk) -> None:
    late = {"expiry", "introspection-cached", "denylist-poll", "status-list", "transparency"}
    assert {slug for slug, accepted in walk["Q3"].accepted().items() if accepted} == late
    assert walk["Q3"].found == "accepted"
    assert walk["Q3"].exposed()["expiry"] == 210
    assert walk["Q3"].exposed()["denylist-poll"] == 30
    assert walk["Q3"].exposed()["this-site"] == 0


@page
@pytest.mark.question("Q4")
def test_a_copied_session_cookie_opens_the_page_before_and_not_after(walk: Walk) -> None:
    assert walk["Q4"].statuses() == [200, 401]
    assert walk["Q4"].found == "sign-in"


@page
@pytest.mark.question("Q5")
def test_no_design_refuses_a_copy_if_only_the_browser_forgot(walk: Walk) -> None:
    assert set(walk["Q5"].statuses()) == {200}
    assert walk["Q5"].found == "all"


@page
@pytest.mark.question("Q6")
def test_the_stored_row_is_a_hash_that_appears_rotates_and_ends(walk: Walk) -> None:
    assert walk["Q6"].statuses() == [400, 200, 400]
    assert [len(state.split("; ")) for state in walk["Q6"].facts().values()] == [1, 2, 2]
    assert walk["Q6"].facts()["After a refresh"].endswith("good for one use")
    assert walk["Q6"].facts()["After the sign-out"].endswith("over")
    assert walk["Q6"].found == "no"


@page
@pytest.mark.question("Q7")
def test_a_signature_and_a_look_up_are_measured_here(walk: Walk) -> None:
    assert all(value.endswith(("µs", "ms")) for value in walk["Q7"].facts().values())
    assert walk["Q7"].found in ("check", "same", "look-up")


@page
@pytest.mark.question("Q7")
@pytest.mark.parametrize(("signature", "query", "found"), [(1, 2, "check"), (2, 1, "look-up"), (1, 1.1, "same")])
def test_the_faster_of_the_two_is_the_answer(
    site: Site, monkeypatch: pytest.MonkeyPatch, signature: float, query: float, found: str
) -> None:
    monkeypatch.setattr(timing, "measure", lambda: timing.Times(signature, query, 0, 0))
    assert walk_through(site, ["Q7"])["Q7"].found == found


@page
@pytest.mark.question("Q8")
def test_on_the_same_day_the_revoked_take_far_fewer_rows_than_the_valid(walk: Walk) -> None:
    _day, valid, revoked, _bits = walk["Q8"].facts().values()
    assert rows(valid) > 10 * rows(revoked) > 0
    assert walk["Q8"].found == "tenth"


def rows(words: str) -> int:
    return int(words.split(" rows")[0].replace(",", ""))


@page
@pytest.mark.question("Q9")
def test_with_the_store_off_who_asks_refuses_and_who_remembers_goes_on(walk: Walk) -> None:
    going_on = {"expiry", "denylist-poll", "denylist-push"}
    assert {slug for slug, accepted in walk["Q9"].accepted().items() if accepted} == going_on
    assert walk["Q9"].statuses().count(503) == 3
    assert walk["Q9"].statuses(1) == [200, 200, 503, 401, 401]
    assert walk["Q9"].found == "some"


@page
@pytest.mark.question("A1")
def test_if_each_request_asks_both_formats_cost_a_look_up(walk: Walk) -> None:
    assert [len(row["look_ups"]) for row in walk["A1"].rows()] == [1, 1]
    assert walk["A1"].statuses(1) == [401, 401, 200]
    assert walk["A1"].found == "same"


@page
@pytest.mark.question("A2")
def test_a_short_lived_jwt_looks_up_only_when_refreshing(walk: Walk) -> None:
    assert walk["A2"].kept["evidence"]["says"] == "30 requests were accepted with 5 look-ups."
    assert walk["A2"].statuses() == [200] * 5 + [400]
    assert walk["A2"].found == "refresh"


@page
@pytest.mark.question("A3")
def test_a_refresh_token_is_refused_after_each_of_its_ends(walk: Walk) -> None:
    assert walk["A3"].statuses() == [400] * 4
    assert "not used for too long" in walk["A3"].rows()[-1]["why"]
    assert walk["A3"].found == "none"


@page
@pytest.mark.question("A4")
def test_an_old_refresh_token_ends_that_one_session(walk: Walk) -> None:
    assert walk["A4"].statuses() == [200, 400, 400, 200]
    assert walk["A4"].found == "session"


@page
@pytest.mark.question("A5")
def test_a_new_place_is_judged_by_each_policy_and_who_claims_to_be_the_same_in_none(walk: Walk) -> None:
    grid = walk["A5"].kept["evidence"]["grid"]
    assert len(grid["columns"]) == 4
    answers = [[(row["status"], row["reaction"]) for row in cells] for _, cells in grid["rows"]]
    assert answers[0] == [(200, "ignore")] * 4
    assert answers[1:] == [[(200, "ignore"), (200, "note"), (200, "warn"), (400, "")]] * 3
    assert walk["A5"].found == "alike"
    assert walk["A5"].facts()["On this site, another network leads to"] == "a line in the activity"
    for words in ("accepted, noted", "accepted, warned", "400, refused"):
        assert words in walk["A5"].after


@page
@pytest.mark.question("A6")
def test_a_jwt_can_be_read_by_anybody_and_an_opaque_token_by_the_server_alone(walk: Walk) -> None:
    jwt, opaque = walk["A6"].facts().values()
    assert "sid: " in jwt
    assert opaque.endswith("and nothing else")
    assert walk["A6"].statuses() == [200, 503]
    assert walk["A6"].found == "jwt"


@page
@pytest.mark.question("A7")
def test_of_three_ways_to_end_only_the_servers_reaches_a_copy_at_once(walk: Walk) -> None:
    assert walk["A7"].exposed() == {"client": 240, "expiry": 240, "sign-out": 0}
    assert walk["A7"].found == "sign-out"


@page
@pytest.mark.question("A8")
def test_a_wish_beside_an_opaque_token_is_not_kept_and_the_token_ends(walk: Walk) -> None:
    assert walk["A8"].statuses() == [200, 401]
    assert walk["A8"].found == "passing"
    assert "data-preference" in walk["A8"].after


@page
@pytest.mark.question("A9")
def test_an_entry_leaves_the_denylist_when_its_last_token_has_expired(walk: Walk) -> None:
    after, before_expiry, expired, _where = walk["A9"].facts().values()
    assert (after, before_expiry, expired) == ("1", "1", "0")
    assert walk["A9"].statuses() == [401, 401]
    assert "expired" in walk["A9"].rows()[1]["why"]
    assert walk["A9"].found == "none"


@page
@pytest.mark.question("A10")
def test_one_entry_that_names_the_session_ends_tokens_that_were_never_listed(walk: Walk) -> None:
    assert walk["A10"].statuses() == [401] * 3
    assert walk["A10"].facts()["Token ids (jti) that the server has stored"] == "0 of 3"
    assert walk["A10"].found == "none"


@page
@pytest.mark.question("A11")
def test_a_verifier_that_is_told_refuses_in_the_second_of_the_sign_out(walk: Walk) -> None:
    assert walk["A11"].accepted() == {"denylist-push": False, "denylist-poll": True}
    assert walk["A11"].exposed() == {"denylist-push": 0, "denylist-poll": 30}
    assert walk["A11"].found == "told"


@page
@pytest.mark.question("A12")
def test_an_allowlist_refuses_what_it_cannot_find_even_if_it_is_good(walk: Walk) -> None:
    assert walk["A12"].statuses() == [200, 401]
    assert walk["A12"].accepted(1) == {"allowlist-push": False, "denylist-push": True}
    assert walk["A12"].found == "refused"


@page
@pytest.mark.question("A13")
def test_who_signs_in_again_in_the_second_of_a_global_logout_is_let_in(walk: Walk) -> None:
    assert walk["A13"].statuses() == [200, 200, 401, 401]
    assert walk["A13"].facts()["Signed in again"].endswith("in the same second")
    assert walk["A13"].facts()["By whole seconds (iat > cut)"] == "refused, wrongly"
    assert walk["A13"].found == "accepted"


@page
@pytest.mark.question("A14")
def test_of_list_question_and_log_the_question_is_the_fastest_and_all_get_there(walk: Walk) -> None:
    assert walk["A14"].accepted() == {"status-list": True, "introspection": False, "transparency": True}
    assert set(walk["A14"].statuses(1)) == {401}
    assert walk["A14"].found == "asked"


@page
@pytest.mark.question("A15")
def test_with_nothing_but_expiry_a_copy_is_accepted_for_the_rest_of_its_life(walk: Walk) -> None:
    assert walk["A15"].statuses() == [200, 200, 401]
    assert walk["A15"].exposed() == {"expiry": 240, "this-site": 0}
    assert walk["A15"].found == "rest"


@page
@pytest.mark.question("A16")
def test_what_hangs_on_a_session_ends_and_the_phone_goes_on_unless_one_time_is_kept_for_all(walk: Walk) -> None:
    assert walk["A16"].statuses() == [401, 401, 401, 400, 401]
    assert walk["A16"].rows()[-1]["what"] == "an app that it had let in"
    assert walk["A16"].statuses(1) == [200], "an app that was let in for longer"
    assert [slug for slug, accepted in walk["A16"].accepted(2).items() if not accepted] == ["cutoff-ask"]
    assert walk["A16"].found == "mostly"


@page
@pytest.mark.question("A17")
def test_a_lost_message_is_missed_by_who_only_listens(walk: Walk) -> None:
    assert walk["A17"].accepted() == {"denylist-push": True, "this-site": False}
    assert walk["A17"].found == "listener"


@page
@pytest.mark.question("A17")
def test_an_app_that_is_down_gets_its_message_when_it_is_back_and_acts_on_it_once(walk: Walk) -> None:
    told = walk["A17"].rows(1)
    assert [row["status"] for row in told] == [503, 503, 503, 200, 200]
    assert [row["what"] for row in told[:4]] == ["at once", "after 5 seconds", "after 20 seconds", "after 1 minute"]
    assert told[-1]["why"] == "It had this one before: nothing to do."
    assert "An app that was down for a minute got its message after 1 minute." in walk["A17"].after


@page
@pytest.mark.parametrize(
    ("name", "status", "found"),
    [
        ("Q3", 401, "refused"),
        ("Q4", 200, "page"),
        ("Q9", 200, "all"),
        ("Q9", 503, "none"),
        ("A7", 401, "all"),
        ("A16", 401, "ended"),
        ("A17", 401, "neither"),
    ],
)
def test_were_the_verifiers_otherwise_the_answer_would_be(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str, status: int, found: str
) -> None:
    monkeypatch.setattr(verifier, "decide", lambda *_: Verdict(status, "It was decided so.", "a test"))
    assert walk_through(site, [name])[name].found == found


@pytest.mark.stores
@pytest.mark.question("Q2", "Q6", "A4", "A9", "A13")
def test_it_is_the_same_on_every_database_and_the_list_lies_in_redis_where_there_is_one(site: Site) -> None:
    steps = walk_through(site, ["Q2", "Q6", "A4", "A9", "A13"])
    assert [step.found for step in steps.values()] == ["nothing", "no", "session", "none", "accepted"]
    in_redis = bool(site.app.extensions["settings"].redis_url)
    assert steps["A9"].facts()["The list that was asked lies in"] == ("Redis" if in_redis else "the database")
