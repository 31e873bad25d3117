"""The teacher's board: what it says of each attendee, and what only the teacher may do to them."""

import codecs
import csv
import html
import io
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest

from app.lab import questions, replay
from app.lab.questions.question import Question
from app.lab.rooms.board import STUCK_SECONDS, draw
from app.lab.visitors import STEPS, Visitor
from tests.browsers import Browser, Site
from tests.workshop import FORGOTTEN, STILL, Teacher, experiment

pytestmark = pytest.mark.sqlite


def spreadsheet(teacher: Teacher, separator: str = ",") -> list[list[str]]:
    """The results, as a spreadsheet reads them that separates cells in this way."""
    text = teacher.browser.get(f"{teacher.room}/results.csv").data.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text), delimiter=separator))


def has_run(attendee: Browser) -> bool:
    return "Sign in to begin" not in attendee.get("/lab").text


@pytest.fixture
def teacher(site: Site) -> Teacher:
    return Teacher(site)


def test_the_board_follows_the_experiment_step_by_step(teacher: Teacher) -> None:
    ada = teacher.arrive("Ada")
    said = []
    for path, form in (("sign-in", {}), ("copy", {}), ("sign-out", {"way": "sign-out"}), ("replay", {})):
        ada.post(f"/lab/{path}", **form)
        said.append(teacher.row("Ada").removeprefix("Ada ").partition(" More")[0])
    assert said == [
        "signed in not yet tried",
        "copied the tokens not yet tried",
        "the server revoked not yet tried",
        f"the server revoked {STILL} still accept",
    ]


def test_the_board_tells_the_ways_apart(teacher: Teacher) -> None:
    for nickname, way in (("Ada", "client"), ("Bob", "expiry"), ("Cy", "disabled")):
        experiment(teacher.arrive(nickname), way)
    assert f"the browser forgot {FORGOTTEN} still accept" in teacher.row("Ada")
    assert "it expired" in teacher.row("Bob")
    assert "the account was disabled" in teacher.row("Cy")


def test_what_was_accepted_before_the_sign_out_is_no_finding(teacher: Teacher) -> None:
    ada = teacher.arrive("Ada")
    ada.post("/lab/sign-in")
    ada.post("/lab/replay")
    assert "signed in not yet tried" in teacher.row("Ada")


def asked(name: str) -> Question:
    return replace(questions.ALL["Q5"], id=name, claim=f"Claim {name}", choices={"a": "This", "b": "That"})


def test_predictions_are_counted_by_question_in_their_order() -> None:
    right, wrong = ({"guess": "ba"[fits], "found": "a", "right": fits} for fits in (True, False))
    given = [{"late": right, "early": wrong}, {"late": wrong, "early": wrong, "gone": right}, {}]
    visitors = [
        Visitor(id=str(at), nickname=f"n{at}", made_at=0, answers=json.dumps(each)) for at, each in enumerate(given)
    ]
    board = draw(visitors, {name: asked(name) for name in ("unasked", "late", "early")})
    assert [(question.id, question.claim) for question in board.questions] == [
        ("late", "Claim late"),
        ("early", "Claim early"),
    ]
    assert [dict(question.tally) for question in board.questions] == [
        {"right": 1, "wrong": 1, "not yet": 1},
        {"right": 0, "wrong": 2, "not yet": 1},
    ]
    assert [dict(question.chosen) for question in board.questions] == [
        {"This": 1, "That": 1},
        {"This": 0, "That": 2},
    ]
    assert board.attendees[2].answers == {}
    assert [row.question for row in board.attendees] == ["unasked", "unasked", None]
    assert board.reached == dict.fromkeys(STEPS, 0)


def test_the_board_says_who_is_stuck_where_and_since_when(site: Site, teacher: Teacher) -> None:
    ada, bob = teacher.arrive("Ada"), teacher.arrive("Bob")
    ada.post("/lab/sign-in")
    site.wait(STUCK_SECONDS - 1)
    assert "stuck" not in teacher.board()
    bob.post("/lab/sign-in")
    site.wait(1)
    ada.post("/lab/time", step="minute")  # a press that leads no further
    assert "stuck at “signed in”, came there 3 minutes ago" in teacher.row("Ada")
    assert "stuck" not in teacher.row("Bob")
    ada.post("/lab/copy")
    assert "stuck" not in teacher.row("Ada")


def test_the_board_says_at_which_question_an_attendee_is(site: Site, teacher: Teacher) -> None:
    ada = teacher.arrive("Ada")
    experiment(ada)
    site.wait(STUCK_SECONDS)
    assert "stuck" not in teacher.row("Ada"), "the experiment is done, and the path not begun"
    first, second, *_ = questions.ALL
    ada.post(f"/lab/path/{first}", guess=next(iter(questions.ALL[first].choices)))
    site.wait(STUCK_SECONDS)
    assert f"stuck at “{second}”" in teacher.row("Ada")


def test_an_attendee_who_has_just_been_reset_is_not_stuck(site: Site, teacher: Teacher) -> None:
    teacher.arrive("Ada")
    site.wait(STUCK_SECONDS)
    assert "stuck at “has not begun”" in teacher.row("Ada")
    teacher.browser.post(f"{teacher.room}/reset")
    assert "stuck" not in teacher.row("Ada")


def test_the_results_are_kept_as_a_table_and_as_json(teacher: Teacher) -> None:
    ada = teacher.arrive('=Ada, "A"')
    teacher.arrive("Bob")
    experiment(ada)
    question = questions.ALL["Q5"]
    chosen = next(iter(question.choices))
    ada.post("/lab/path/Q5", guess=chosen)
    head, *rows = spreadsheet(teacher)
    found = [dict(zip(head, row, strict=True)) for row in rows]
    assert [row["nickname"] for row in found] == ['\'=Ada, "A"', "Bob"], "no spreadsheet computes a nickname"
    assert [(row["tried the copy"], row["Q5 chosen"]) for row in found] == [("yes", chosen), ("no", "")]
    answer = teacher.browser.get(f"{teacher.room}/results.json")
    assert "attachment" in answer.headers["Content-Disposition"]
    told = answer.get_json()
    assert [person["nickname"] for person in told["attendees"]] == ['=Ada, "A"', "Bob"]
    assert told["attendees"][0]["answers"]["Q5"]["chosen"] == chosen
    assert told["attendees"][1]["answers"] == {}
    (counted,) = told["questions"]
    assert counted["chosen"] == {words: int(name == chosen) for name, words in question.choices.items()}


@pytest.mark.parametrize("sign", "=+-@＝＋－＠﹦﹢﹣﹫")  # noqa: RUF001 - the other forms of the same signs
def test_a_spreadsheet_computes_no_nickname(teacher: Teacher, sign: str) -> None:
    nickname = f"{sign}1+1"
    teacher.arrive(nickname)
    _, row = spreadsheet(teacher)
    assert row[0] == f"'{nickname}"


@pytest.mark.parametrize("nickname", ["Ada;=1+1", 'Ada";=1+1', '";=1+1;"', "Ada,=1+1"])
@pytest.mark.parametrize("separator", ",;")
def test_no_nickname_begins_another_cell_of_a_spreadsheet(teacher: Teacher, nickname: str, separator: str) -> None:
    teacher.arrive(nickname)
    assert not any(cell.startswith("=") for row in spreadsheet(teacher, separator) for cell in row)


def test_a_spreadsheet_that_guesses_the_encoding_reads_umlauts(teacher: Teacher) -> None:
    teacher.arrive("Jörg Ångström 李")
    assert teacher.browser.get(f"{teacher.room}/results.csv").data.startswith(codecs.BOM_UTF8)
    head, row = spreadsheet(teacher)
    assert (head[0], row[0]) == ("nickname", "Jörg Ångström 李")


def test_only_the_teacher_sees_the_board(site: Site, teacher: Teacher) -> None:
    for other in (teacher.arrive("Ada"), site.browser(), Teacher(site, "another").browser):
        assert urlsplit(other.get(teacher.room).location).path == f"{teacher.room}/join"
        for page in ("board", "results.csv", "results.json"):
            assert other.get(f"{teacher.room}/{page}").status_code == 404
    assert "Ada" not in site.browser().get(f"{teacher.room}/join").text


@pytest.mark.parametrize("verb", ["reset", "remove", "close"])
def test_only_the_teacher_may_act_on_a_room(site: Site, teacher: Teacher, verb: str) -> None:
    ada, eve = teacher.arrive("Ada"), teacher.arrive("Eve")
    experiment(ada)
    for other in (eve, site.browser(), Teacher(site, "another").browser):
        assert other.post(f"{teacher.room}/{verb}", attendee=teacher.name_of("Ada")).status_code == 404
    assert has_run(ada)
    assert STILL in teacher.row("Ada")


def test_a_teacher_reaches_no_visitor_outside_of_the_room(site: Site, teacher: Teacher) -> None:
    other = Teacher(site, "another")
    elsewhere = other.arrive("Ada")
    experiment(elsewhere)
    for form in ({"attendee": other.name_of("Ada")}, {}):
        teacher.browser.post(f"{teacher.room}/reset", **form)
    teacher.browser.post(f"{teacher.room}/remove", attendee=other.name_of("Ada"))
    assert has_run(elsewhere)
    assert STILL in other.row("Ada")


def test_attendees_have_nothing_in_common(teacher: Teacher) -> None:
    ada, bob = teacher.arrive("Ada"), teacher.arrive("Bob")
    experiment(ada)
    assert not has_run(bob)
    bob.post("/lab/reset")
    assert has_run(ada)


def test_the_board_carries_nothing_that_lets_a_reader_act_as_an_attendee(site: Site, teacher: Teacher) -> None:
    ada = teacher.arrive("Ada")
    ada.post("/lab/sign-in")
    cookie, page = ada.cookie("__Host-Http-lab"), teacher.browser.get(teacher.room).text
    assert cookie
    assert cookie not in page
    forged = site.browser()
    forged.client.set_cookie("__Host-Http-lab", teacher.name_of("Ada"))
    assert not has_run(forged)


def test_one_attendee_is_reset_and_stays_in_the_room(teacher: Teacher) -> None:
    ada, bob = teacher.arrive("Ada"), teacher.arrive("Bob")
    experiment(ada)
    experiment(bob)
    answer = teacher.browser.post(f"{teacher.room}/reset", attendee=teacher.name_of("Ada"))
    assert "That attendee starts again" in teacher.browser.get(answer.location).text
    assert "has not begun" in teacher.row("Ada")
    assert [has_run(ada), has_run(bob)] == [False, True]


def test_a_form_that_names_one_attendee_touches_no_other(teacher: Teacher) -> None:
    ada, bob = teacher.arrive("Ada"), teacher.arrive("Bob")
    experiment(ada)
    experiment(bob)
    teacher.browser.post(f"{teacher.room}/reset", attendee=teacher.name_of("Ada"))
    assert [has_run(ada), has_run(bob)] == [False, True]
    teacher.browser.post(f"{teacher.room}/remove", attendee=teacher.name_of("Ada"))
    assert "<bdi>Ada</bdi>" not in teacher.board()
    assert "<bdi>Bob</bdi>" in teacher.board()


def test_all_are_reset_at_once(teacher: Teacher) -> None:
    people = [teacher.arrive(name) for name in ("Ada", "Bob")]
    for person in people:
        experiment(person)
    answer = teacher.browser.post(f"{teacher.room}/reset")
    assert "All attendees start again" in teacher.browser.get(answer.location).text
    assert not any(map(has_run, people))
    experiment(people[0])
    assert STILL in teacher.row("Ada")


def test_an_attendee_who_is_removed_keeps_their_experiment(teacher: Teacher) -> None:
    ada = teacher.arrive("Ada")
    experiment(ada)
    teacher.browser.post(f"{teacher.room}/remove", attendee=teacher.name_of("Ada"))
    assert "No one is here yet" in teacher.board()
    assert has_run(ada)
    assert "in room" not in ada.get("/lab").text


@pytest.mark.parametrize("junk", ["", "\x00", "x y", "<i>"])
def test_an_attendee_who_is_none_is_refused_and_never_taken_for_all(teacher: Teacher, junk: str) -> None:
    ada = teacher.arrive("Ada")
    experiment(ada)
    for verb in ("reset", "remove"):
        assert teacher.browser.post(f"{teacher.room}/{verb}", attendee=junk).status_code == 400
    assert has_run(ada)


def test_everything_is_there_after_a_restart(site: Site, teacher: Teacher, other_node: Site) -> None:
    ada = teacher.arrive("Ada")
    experiment(ada)
    before = teacher.board()
    again = other_node.browser("Safari on macOS")
    again.client.set_cookie("__Host-Http-lab", teacher.browser.cookie("__Host-Http-lab") or "")
    assert again.get(f"{teacher.room}/board").text == before
    assert teacher.code in again.get("/lab/rooms").text


def test_another_site_cannot_make_a_teacher_act(teacher: Teacher) -> None:
    ada = teacher.arrive("Ada")
    experiment(ada)
    foreign = {"Origin": "https://evil.example"}
    assert teacher.browser.post(f"{teacher.room}/reset", foreign).status_code == 403
    assert has_run(ada)


def test_a_replay_that_a_sign_out_overtook_is_not_taken_for_one_after_it(
    teacher: Teacher, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = teacher.arrive("Ada")
    ada.post("/lab/sign-in")
    everywhere = replay.everywhere

    def slowly(*played: Any) -> replay.Replay:
        found = everywhere(*played)
        ada.post("/lab/sign-out", way="sign-out")
        return found

    monkeypatch.setattr(replay, "everywhere", slowly)
    ada.post("/lab/replay")
    monkeypatch.undo()
    assert "the server revoked not yet tried" in teacher.row("Ada")
    assert "refused at once" not in ada.get("/lab").text


def test_a_prediction_on_the_path_is_on_the_board(teacher: Teacher) -> None:
    ada = teacher.arrive("Ada")
    teacher.arrive("Bob")
    question = questions.ALL["Q5"]
    assert ada.post("/lab/path/Q5", guess=next(iter(question.choices))).status_code == 303
    assert "1 question: how many were right" in teacher.board()
    assert any(counts in teacher.row("Ada") for counts in ("1 right 0 wrong", "0 right 1 wrong"))
    assert "0 right 0 wrong" in teacher.row("Bob")
    assert question.claim in html.unescape(teacher.board())
