"""Every claim of the path, tried for real once; then what it showed, claim by claim."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from app import clock
from app.identity import place
from app.identity.session import SITE
from app.lab import instruments, player, questions
from app.lab.costs import measure, timing
from app.lab.designs.client_data import LIST
from app.lab.home import sessions
from app.lab.home.sessions import LIFE, Sessions
from app.lab.questions import logout, question
from app.lab.questions.trial import Trial
from app.oauth.logout import token
from app.oauth.logout.messages import Message
from tests.browsers import Site
from tests.lab.walk import Walk, walk_through
from tests.questions import marked

page = pytest.mark.page
IDS = list(questions.ALL)
GUIDE = (Path(__file__).parents[2] / "docs" / "workshop.md").read_text()
KEY = {
    name: (asked, answer, int(minutes))
    for name, asked, answer, minutes in re.findall(r"^\| ([AQ]\d+) \| (.+?) \| (.+?) \| .+? \| (\d+) \|$", GUIDE, re.M)
}


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
    assert {*IDS} == {*(f"Q{number}" for number in range(1, 10)), *(f"A{number}" for number in range(1, 23))}
    assert all(2 <= len(question.choices) <= 5 for question in questions.ALL.values())


@pytest.mark.parametrize("name", IDS)
def test_every_choice_of_a_question_has_its_condition_and_one_is_right_if_no_other_is(name: str) -> None:
    question = questions.ALL[name]
    assert question.right.keys() == question.choices.keys()
    assert [*question.right.values()].index("otherwise") == len(question.choices) - 1


@pytest.mark.parametrize("line", ["ask thief", "grid", "notify", "do", "note", "leave sign-out", "unknown"])
def test_a_word_of_a_story_that_is_no_act_calls_nothing(line: str) -> None:
    with pytest.raises(LookupError):
        Trial(questions.ALL["Q1"]).play(line)


SECTION = """
[Q0]
claim = "A question is a section of a file"
why = "All that it needs stands there."
ask = "What does the phone get after the sign-out on the laptop?"
hints = ["One.", "Two."]
explain = "It goes on."
story = ["sign-out", "phone = present phone DESIGN: the phone’s token", "draw DESIGN"]
says = "It got {{ phone[0].status }}; the copy was good for {{ exposed['DESIGN'] | clock }}."
facts = [["Refused", "{{ phone.refused | length | many('design') }}"]]
[Q0.choices]
accepted = "Accepted"
refused = "Refused"
[Q0.right]
accepted = "phone.accepted"
refused = "otherwise"
[Q0.tables]
phone = "The phone"
[Q0.go_on]
"/lab" = ""
"""


@page
@pytest.mark.parametrize(
    ("design", "found", "says", "fact"),
    [
        ("expiry", "accepted", "It got 200; the copy was good for 5:00.", "0 designs"),
        ("cutoff-ask", "refused", "It got 401; the copy was good for 0:00.", "1 design"),
    ],
)
def test_to_add_a_question_is_to_add_a_section(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, design: str, found: str, says: str, fact: str
) -> None:
    (tmp_path / "new.toml").write_text(SECTION.replace("DESIGN", design))
    monkeypatch.setattr(question, "FILES", tmp_path)
    monkeypatch.setattr(questions, "ALL", {new.id: new for new in question.read("new")})
    step = walk_through(site, ["Q0"])["Q0"]
    assert (step.found, step.kept["evidence"]["says"], step.facts()) == (found, says, {"Refused": fact})
    assert step.rows()[0]["what"] == "the phone’s token"
    assert says in step.after


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
    assert all(f'href="{path}"' in step.after for path in question.go_on)
    assert "<fieldset" not in step.after or question.also
    assert step.kept["right"] is (step.kept["guess"] == step.found)


@page
@pytest.mark.parametrize("name", IDS)
def test_the_answer_key_of_the_guide_says_what_turns_out_right(walk: Walk, name: str) -> None:
    question, (asked, answer, _) = questions.ALL[name], KEY[name]
    assert asked == question.ask
    assert answer == ("*measured*" if name == "Q7" else question.choices[walk[name].found])


def test_the_minutes_of_the_answer_key_fit_into_the_plans_of_the_guide() -> None:
    assert list(KEY) == IDS
    minutes = [each for *_, each in KEY.values()]
    assert f"All {len(IDS)} take {sum(minutes)} minutes" in GUIDE
    plan = [int(minute) for minute in re.findall(r"^\| (\d+) \| ", GUIDE, re.M)]
    short, long = plan[: plan.index(43) + 1], plan[plan.index(43) + 1 :]
    assert "first three, and one of 90 for five more" in GUIDE
    assert sum(minutes[:3]) <= short[short.index(32) + 1] - 32
    assert sum(minutes[3:8]) <= long[long.index(63) + 1] - 63


@page
@pytest.mark.question("Q1")
def test_a_jwt_is_accepted_without_any_look_up(walk: Walk) -> None:
    assert walk["Q1"].statuses() == [200, 200, 200]
    none, *others = (asked(row) for row in walk["Q1"].rows())
    assert none == 0
    assert all(others)
    assert walk["Q1"].found == "none"


@page
@pytest.mark.question("Q2")
def test_the_request_to_the_revocation_endpoint_and_its_answer_are_shown_and_end_the_token(walk: Walk) -> None:
    exchange = walk["Q2"].kept["evidence"]["exchange"]
    assert exchange["request"]["line"] == "POST /lab/revoke HTTP/1.1"
    assert ["Authorization", "Basic …"] in exchange["request"]["headers"]
    assert exchange["response"]["line"] == "HTTP/1.1 200 OK"
    assert "…" in exchange["request"]["body"]
    assert walk["Q2"].statuses() == [401, 200, 200], "a stranger, the client, and about an unknown token"
    assert walk["Q2"].statuses(1) == [200, 400, 400], "the stranger ended nothing"
    assert walk["Q2"].found == "nothing"


@page
@pytest.mark.question("Q3")
def test_only_designs_that_ask_or_are_told_or_remember_refuse_the_copy(walk: Walk) -> None:
    accepted = walk["Q3"].accepted()
    late = {"expiry", "introspection-cached", "denylist-poll", "status-list", "transparency"}
    assert all(accepted[slug] for slug in late)
    assert not any(
        accepted[slug] for slug in ("denylist-ask", "denylist-push", "session", "introspection", "this-site")
    )
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
def test_no_design_refuses_a_copy_if_only_the_browser_forgot_and_an_hour_later_the_rest_is_good(walk: Walk) -> None:
    assert set(walk["Q5"].statuses()) == {200}
    assert walk["Q5"].found == "all"
    assert walk["Q5"].accepted(1) == {"dpop": False, "dbsc": True}, "bound to a key"
    assert walk["Q5"].statuses(2) == [401, 200, 200, 200], "access token, refresh token, what that bought, cookie"
    assert walk["Q5"].statuses(3) == [400, 400], "a refresh token without the key buys nothing"
    assert "accepted though ended" not in walk["Q5"].after, "nothing has ended"


@page
@pytest.mark.question("Q6")
def test_the_stored_row_is_a_hash_that_appears_rotates_and_ends(walk: Walk) -> None:
    assert walk["Q6"].statuses() == [400, 200, 400]
    *states, clear = walk["Q6"].facts().values()
    assert [len(state.split("; ")) for state in states] == [1, 2, 2]
    assert states[1].endswith("good for one use")
    assert states[2].endswith("over")
    assert re.match("0 of [0-9]+ that", clear)
    assert walk["Q6"].found == "no"


@page
@pytest.mark.question("Q7")
def test_a_signature_and_a_look_up_are_measured_here(walk: Walk) -> None:
    assert all(value.endswith("µs") for value in walk["Q7"].facts().values())
    assert walk["Q7"].found in ("check", "same", "look-up")


@page
@pytest.mark.question("Q7")
@pytest.mark.parametrize(("signature", "query", "found"), [(1, 2, "check"), (2, 1, "look-up"), (1, 1.1, "same")])
def test_if_the_two_measured_times_were_others_the_answer_would_follow(
    site: Site, monkeypatch: pytest.MonkeyPatch, signature: float, query: float, found: str
) -> None:
    monkeypatch.setattr(timing, "measure", lambda: timing.Times(signature, query, 0))
    assert walk_through(site, ["Q7"])["Q7"].found == found


@page
@pytest.mark.question("Q8")
def test_on_the_same_day_the_revoked_take_far_fewer_rows_than_the_valid(walk: Walk) -> None:
    _day, valid, revoked = walk["Q8"].facts().values()
    assert rows(valid) > 10 * rows(revoked) > 0
    assert walk["Q8"].found == "tenth"


@page
@pytest.mark.question("Q8")
def test_if_every_issued_token_were_revoked_the_two_tables_would_be_alike(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = player.read

    def listing(slug: str) -> Any:
        module = read(slug)
        if slug == "denylist-ask":
            issue = module.Issuer.issue

            def issue_and_list(issuer: Any, person: str, session: str) -> Any:
                issuer.revoke(issuer.world.token())
                return issue(issuer, person, session)

            module.Issuer.issue = issue_and_list
        return module

    monkeypatch.setattr(player, "read", listing)
    monkeypatch.setattr(measure, "live", measure.live.__wrapped__)
    step = walk_through(site, ["Q8"])["Q8"]
    assert step.found == "same"
    _day, valid, revoked = step.facts().values()
    assert rows(revoked) >= rows(valid)


def rows(words: str) -> int:
    return int(words.split(" rows")[0].replace(",", ""))


@page
@pytest.mark.question("Q9")
def test_with_the_store_off_a_design_that_asks_refuses_and_one_that_remembers_goes_on(walk: Walk) -> None:
    going_on = {"expiry", "denylist-poll", "denylist-push"}
    assert {slug for slug, accepted in walk["Q9"].accepted().items() if accepted} == going_on
    assert walk["Q9"].statuses().count(503) == 3
    assert walk["Q9"].statuses(1) == [200, 200, 503, 401, 401]
    assert walk["Q9"].found == "some"


@page
@pytest.mark.question("A1")
def test_both_formats_cost_a_look_up_if_each_request_asks(walk: Walk) -> None:
    assert [asked(row) for row in walk["A1"].rows()] == [1, 1]
    assert walk["A1"].statuses(1) == [401, 401, 200]
    assert walk["A1"].found == "same"


@page
@pytest.mark.question("A2")
def test_a_short_lived_jwt_looks_up_only_when_refreshing(walk: Walk) -> None:
    says = walk["A2"].kept["evidence"]["says"]
    looks = sum(asked(row) for row in walk["A2"].rows()[:-1])
    assert says == f"30 requests made 0 look-ups; the 5 refreshes between them made {looks}."
    assert walk["A2"].statuses() == [200] * 5 + [400]
    assert walk["A2"].found == "refresh"


@page
@pytest.mark.question("A3")
def test_a_refresh_token_is_refused_after_each_of_its_ends_and_good_until_then(walk: Walk) -> None:
    assert walk["A3"].statuses() == [400] * 4
    assert walk["A3"].statuses(1) == [200]
    assert walk["A3"].found == "none"


@page
@pytest.mark.question("A4")
def test_an_old_refresh_token_ends_that_one_session(walk: Walk) -> None:
    assert walk["A4"].statuses() == [200, 400, 400, 200]
    assert walk["A4"].found == "session"


@page
@pytest.mark.question("A5")
def test_a_new_place_is_judged_by_each_policy_and_a_claim_to_be_the_same_by_none(walk: Walk) -> None:
    grid = walk["A5"].kept["evidence"]["grid"]
    assert len(grid["columns"]) == 4
    answers = [[(row["status"], row["reaction"]) for row in cells] for _, cells in grid["rows"]]
    assert answers[0] == [(200, "ignore")] * 4
    assert answers[1:] == [[(200, "ignore"), (200, "note"), (200, "warn"), (400, "sign-in")]] * 3
    assert walk["A5"].found == "alike"
    assert walk["A5"].facts()["On this site, another network leads to"] == "a line in the activity"
    for words in ("accepted, noted", "accepted, warned", "400, refused"):
        assert words in walk["A5"].after


@page
@pytest.mark.question("A6")
def test_a_jwt_can_be_read_by_anyone_and_an_opaque_token_by_the_server_alone(walk: Walk) -> None:
    claims, opaque = walk["A6"].facts().values()
    assert "sid: " in claims
    assert f" {len(claims.split('; '))} claims could be read in the JWT" in walk["A6"].kept["evidence"]["says"]
    assert opaque.endswith("and nothing else")
    assert walk["A6"].statuses() == [200, 503]
    assert walk["A6"].found == "jwt"


@page
@pytest.mark.question("A7")
def test_only_ending_at_the_client_leaves_a_copy_good(walk: Walk) -> None:
    grid = dict(walk["A7"].kept["evidence"]["grid"]["rows"])
    assert [[cell["status"] for cell in cells] for cells in grid.values()] == [
        [200, 200, 200],
        [401, 400, 401],
        [401, 400, 401],
    ]
    exposed = walk["A7"].exposed()
    assert exposed.pop("client-access token") == 240
    assert exposed.pop("client-refresh token") == LIFE - 60
    assert set(exposed.values()) == {0}
    assert walk["A7"].found == "two"


@page
@pytest.mark.question("A8")
def test_a_filter_is_used_and_forgotten_and_a_preference_is_kept(walk: Walk) -> None:
    filtered, posted, *_ = walk["A8"].facts().values()
    assert filtered == "answered Apple, of Pear, Apple, Quince"
    assert posted.endswith("answered Apple, Pear, Quince")
    assert walk["A8"].statuses() == [200, 401]
    assert walk["A8"].found == "preference"
    assert "data-preference" in walk["A8"].after


@page
@pytest.mark.question("A9")
def test_an_entry_leaves_the_denylist_when_its_last_token_has_expired(walk: Walk) -> None:
    assert [*walk["A9"].facts().values()] == ["1", "1", "0"]
    assert walk["A9"].statuses() == [401, 401]
    assert "expired" in walk["A9"].rows()[1]["why"]
    assert walk["A9"].found == "none"


@page
@pytest.mark.question("A10")
def test_one_message_that_names_the_session_ends_tokens_that_were_never_listed(walk: Walk) -> None:
    assert walk["A10"].statuses() == [401] * 3
    assert [*walk["A10"].facts().values()] == ["0 of 3", "1 in 3 tokens", "1", "3 of 3"]
    assert walk["A10"].found == "none"


@page
@pytest.mark.question("A11")
def test_a_verifier_that_is_told_refuses_in_the_second_of_the_sign_out(walk: Walk) -> None:
    assert walk["A11"].accepted() == {"denylist-push": False, "denylist-poll": True}
    assert walk["A11"].exposed() == {"denylist-push": 0, "denylist-poll": 30}
    assert walk["A11"].found == "told"


@page
@pytest.mark.question("A12")
def test_an_empty_allowlist_refuses_what_is_good_and_an_empty_denylist_accepts_what_is_over(walk: Walk) -> None:
    assert walk["A12"].statuses() == [200, 200, 401, 401]
    assert walk["A12"].statuses(1) == [401, 200, 401, 200]
    assert walk["A12"].found == "refused"


@page
@pytest.mark.question("A13")
def test_a_logout_time_refuses_a_new_sign_in_and_is_outwitted_by_a_refresh_and_a_position_is_not(walk: Walk) -> None:
    assert walk["A13"].statuses() == [401, 200, 200, 401, 401, 401]
    assert walk["A13"].accepted(1) == {"logout-time": True, "cutoff-ask": False, "this-site": False}
    assert walk["A13"].found == "refused"


@page
@pytest.mark.question("A14")
def test_a_question_is_faster_than_a_list_or_a_log_and_all_get_there(walk: Walk) -> None:
    assert walk["A14"].accepted() == {"status-list": True, "introspection": False, "transparency": True}
    assert set(walk["A14"].statuses(1)) == {401}
    assert walk["A14"].statuses(2) == [200, 200, 503], "the log alone finds an issuer that lies"
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
def test_a_lost_message_is_missed_by_a_server_that_only_listens(walk: Walk) -> None:
    assert walk["A17"].accepted() == {"denylist-push": True, "this-site": False}
    assert walk["A17"].found == "listener"


@page
@pytest.mark.question("A17")
def test_an_app_that_is_down_gets_its_message_when_it_is_back_and_acts_on_it_once(walk: Walk) -> None:
    told = walk["A17"].rows(1)
    assert [row["status"] for row in told] == [0, 0, 0, 200, 200], "0: there was no answer"
    assert [row["what"] for row in told[:4]] == ["at once", "after 5 seconds", "after 20 seconds", "after 1 minute"]
    assert told[-1]["why"] == "It had this one before: nothing to do."
    assert "An app that was down for a minute got its message after 1 minute." in walk["A17"].after
    assert "no answer" in walk["A17"].after


@page
@pytest.mark.question("A18")
def test_a_copied_refresh_token_buys_tokens_until_the_session_ends(walk: Walk) -> None:
    assert walk["A18"].statuses() == [200] * 9 + [400]
    assert walk["A18"].statuses(1) == [200]
    assert "7:59:59" in walk["A18"].kept["evidence"]["says"]
    assert walk["A18"].found == "session"


@page
@pytest.mark.question("A19")
def test_the_server_that_does_not_ask_is_the_stateless_one_with_either_token(walk: Walk) -> None:
    for table, statuses in enumerate(([200] * 4, [503, 503, 200, 503], [401, 401, 200, 401])):
        assert walk["A19"].statuses(table) == statuses
    assert walk["A19"].found == "one"


@page
@pytest.mark.question("A20")
def test_a_service_that_is_cut_off_from_the_list_errs_as_its_design_chose(walk: Walk) -> None:
    rows = walk["A20"].kept["evidence"]["grid"]["rows"]
    answers = {name: [cell["status"] for cell in cells] for name, cells in rows}
    assert answers == {
        "Denylist in a shared store": [401, 401, 503, 503],
        "Denylist, polled": [401, 401, 200, 200],
        "Denylist, pushed": [401, 401, 200, 200],
        "Status list": [401, 401, 503, 503],
        "What this site does": [401, 401, 503, 503],
    }
    assert walk["A20"].found == "differs"


@page
@pytest.mark.question("A21")
def test_in_the_second_in_which_it_expires_every_design_refuses(walk: Walk) -> None:
    assert set(walk["A21"].statuses()) == {200}
    assert set(walk["A21"].statuses(1)) == {401}
    assert walk["A21"].found == "all"


@page
@pytest.mark.question("A22")
def test_the_rfc_ends_the_refresh_token_and_leaves_the_access_token_to_the_design(walk: Walk) -> None:
    assert walk["A22"].statuses() == [400]
    assert walk["A22"].accepted(1) == {"introspection": False, "denylist-push": False, "expiry": True}
    assert walk["A22"].found == "told"


Check = Callable[..., Any]


def accept(*_: object) -> None:
    """A verifier to which every token is good."""


def refuse(*_: object) -> None:
    raise PermissionError("It was decided so.")


def ask_thrice(verifier: Any, *_: object) -> None:
    for number in range(3):
        verifier.world.store.get(f"question {number}")


def do_nothing(*_: object) -> None:
    """An issuer that says it has done it."""


def keep_the_filter(verifier: Any, token: str, wanted: str = "") -> list[str]:
    verifier.store.put(f"filter {wanted}", wanted)
    return LIST


VERIFIERS = [
    ("Q1", "expiry", ask_thrice, "more"),
    ("Q3", "expiry", refuse, "refused"),
    ("Q5", "denylist-ask", refuse, "some"),
    ("Q9", "denylist-ask session this-site", accept, "all"),
    ("A1", "denylist-ask", ask_thrice, "opaque"),
    ("A2", "expiry", ask_thrice, "request"),
    ("A7", "this-site", accept, "none"),
    ("A8", "client-data", keep_the_filter, "filter"),
    ("A10", "denylist-push", accept, "all"),
    ("A11", "denylist-push", accept, "neither"),
    ("A12", "allowlist-ask", accept, "accepted"),
    ("A13", "logout-time", accept, "accepted"),
    ("A14", "status-list transparency", refuse, "all"),
    ("A15", "expiry", refuse, "at-once"),
    ("A16", "cutoff-ask", accept, "on"),
    ("A17", "denylist-push", refuse, "neither"),
    ("A19", "allowlist-ask", accept, "jwts"),
    ("A20", "denylist-ask status-list this-site", accept, "accepted"),
    ("A21", "denylist-push", accept, "some"),
    ("A22", "expiry", refuse, "all"),
]


@page
@pytest.mark.parametrize(("name", "slugs", "check", "found"), VERIFIERS)
def test_if_a_verifier_acted_otherwise_the_answer_would_change(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str, slugs: str, check: Check, found: str
) -> None:
    for slug in slugs.split():
        monkeypatch.setattr(player.find(slug).module.Verifier, "check", check)
    assert walk_through(site, [name])[name].found == found


ISSUERS = [
    ("Q2", "end", do_nothing, "on"),
    ("Q4", "end", do_nothing, "page"),
    ("A3", "end", do_nothing, "some"),
    ("A4", "end", do_nothing, "request"),
    ("A18", "refresh", do_nothing, "nothing"),
]


@page
@pytest.mark.parametrize(("name", "part", "instead", "found"), ISSUERS)
def test_if_the_issuer_acted_otherwise_the_answer_would_change(
    site: Site, monkeypatch: pytest.MonkeyPatch, name: str, part: str, instead: Check, found: str
) -> None:
    monkeypatch.setattr(Sessions, part, instead)
    assert walk_through(site, [name])[name].found == found


@page
@pytest.mark.question("Q6")
def test_if_tokens_were_stored_in_the_clear_the_answer_would_say_so(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "digest", lambda token: token)
    step = walk_through(site, ["Q6"])["Q6"]
    assert step.found == "yes"
    assert not step.facts()["Tokens that stand in what is stored"].startswith("0")


@page
@pytest.mark.question("A5")
def test_if_places_were_not_judged_every_thief_would_get_in(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "judge", lambda *_: place.Judgement("ignore", ()))
    assert walk_through(site, ["A5"])["A5"].found == "all"


@page
@pytest.mark.question("A6")
def test_if_the_opaque_token_were_a_jwt_both_could_be_read(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    jwt_issuer = player.find("expiry").module.Issuer
    monkeypatch.setattr(player.find("session").module.Issuer, "issue", jwt_issuer.issue)
    assert walk_through(site, ["A6"])["A6"].found == "both"


@page
@pytest.mark.question("A9")
def test_if_no_line_ever_left_one_would_stay(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    put = instruments.RedisOfAStory.set
    monkeypatch.setattr(instruments.RedisOfAStory, "set", lambda list_, name, value, ex: put(list_, name, value, 10**9))
    assert walk_through(site, ["A9"])["A9"].found == "stays"


@page
@pytest.mark.question("A17")
def test_if_the_app_were_up_it_would_take_the_message_and_refuse_any_other_token(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logout, "DOWN_SECONDS", 0)
    with site.app.app_context():
        assert [row.status for row in logout.send("lab", "sid", since=0)] == [200, 200]
        message = Message(id="lab", client_id=SITE, user_id="lab", session_id="sid")
        monkeypatch.setattr(token, "TYPE", "at+jwt")
        good = token.sign(message)
        monkeypatch.undo()
        assert logout.Recipient().take(good)[0] == 400
        assert logout.Recipient().take("junk")[0] == 400


@page
@pytest.mark.question("A17")
@pytest.mark.parametrize("seconds", [-2 * 3600, 1000 * 24 * 3600])
def test_wherever_the_sites_clock_stands_the_app_gets_its_message(site: Site, seconds: int) -> None:
    site.wait(seconds)
    assert walk_through(site, ["A17"])["A17"].statuses(1) == [0, 0, 0, 200, 200]


def test_each_answer_could_have_come_out_otherwise() -> None:
    alone = {name for name, tests in marked().items() if any(test.startswith("test_if_") for _, test in tests)}
    assert alone | {name for name, *_ in (*VERIFIERS, *ISSUERS)} == {*IDS}


def asked(row: dict[str, Any]) -> int:
    """How many questions a verifier asked for this answer."""
    return sum(row["asked"][kind] for kind in ("look-ups", "requests", "fetches") if kind in row["asked"])
