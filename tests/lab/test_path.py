"""The path: the first prediction counts, the score adds up, and no visitor sees another's."""

import pytest

from app.capacity.throttle import Quota
from app.lab import questions, visitors
from app.web import own_server
from tests import backings
from tests.browsers import Browser, Site
from tests.lab.walk import kept, page
from tests.pages import SLOW, SOONER

pytestmark = pytest.mark.page


@pytest.fixture
def visitor(site: Site) -> Browser:
    return site.browser()


def test_a_visitor_who_has_never_been_here_gets_a_cookie_with_the_first_prediction(visitor: Browser) -> None:
    assert "31 claims" in page(visitor, "/lab/path")
    assert visitor.get("/lab/path/Q4").headers.get("Set-Cookie") is None
    answer = visitor.post("/lab/path/Q4", guess="sign-in")
    assert answer.status_code == 303
    assert "HttpOnly" in answer.headers["Set-Cookie"]
    assert "As you predicted." in page(visitor, "/lab/path/Q4")


def test_the_score_adds_up_and_the_path_goes_on_where_one_stopped(visitor: Browser) -> None:
    visitor.post("/lab/path/Q1", guess="none")
    visitor.post("/lab/path/Q4", guess="page")
    overview = page(visitor, "/lab/path")
    assert "You have tried 2 of 31 claims, and predicted 1" in overview
    assert "Continue with Q2" in overview
    assert "As predicted: <span>None</span>" in overview
    assert "Predicted: The page, as before. Found: <span>They have to sign in</span>" in overview
    assert "You predicted: The page, as before." in page(visitor, "/lab/path/Q4")
    assert "2 of 31 tried, 1 as predicted" in overview


def test_a_second_prediction_changes_nothing(site: Site, visitor: Browser) -> None:
    visitor.post("/lab/path/Q4", guess="page")
    first = kept(site)
    assert visitor.post("/lab/path/Q4", guess="sign-in").status_code == 303
    assert kept(site) == first
    assert "and predicted 0" in page(visitor, "/lab/path")


def test_a_prediction_that_can_be_made_no_more_is_made_again(site: Site, visitor: Browser) -> None:
    visitor.post("/lab/path/Q4", guess="page")
    with backings.shell(site.folder) as raw:
        raw.execute("""UPDATE lab_visitors SET answers = replace(answers, '"page"', '"as it was once"')""")
    assert "Predict, and try it" in page(visitor, "/lab/path/Q4")
    visitor.post("/lab/path/Q4", guess="sign-in")
    assert "As you predicted." in page(visitor, "/lab/path/Q4")
    assert "1 of 31 tried, 1 as predicted" in page(visitor, "/lab/path")


def test_what_an_older_version_kept_is_shown_without_what_it_did_not_count(site: Site, visitor: Browser) -> None:
    visitor.post("/lab/path/Q3", guess="accepted")
    assert "asked for it" in page(visitor, "/lab/path/Q3")
    with backings.shell(site.folder) as raw:
        raw.execute("""UPDATE lab_visitors SET answers = replace(replace(answers, '"asked"', '"look_ups"'),
            '"slug":"expiry"', '"slug":"of-another-time"')""")
    shown = page(visitor, "/lab/path/Q3")
    assert "accepted though ended" in shown
    assert "asked for it" not in shown


def test_a_visitor_who_has_tried_all_is_told_so(site: Site, visitor: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(questions, "ALL", {"Q4": questions.ALL["Q4"]})
    visitor.post("/lab/path/Q4", guess="sign-in")
    overview = page(visitor, "/lab/path")
    assert "You have tried every claim, and predicted 1 of 1" in overview
    assert "Continue with" not in overview


def test_another_visitor_sees_nothing_of_it(site: Site, visitor: Browser) -> None:
    visitor.post("/lab/path/Q4", guess="sign-in")
    other = site.browser("Safari on macOS")
    assert "You have tried" not in page(other, "/lab/path")
    assert "As you predicted." not in page(other, "/lab/path/Q4")
    assert "As you predicted." not in page(site.browser(), "/lab/hand-out?answers=1")


def test_a_trial_leaves_no_bench_behind_and_leaves_the_visitors_own_run_alone(site: Site, visitor: Browser) -> None:
    visitor.post("/lab/sign-in")
    (before,) = site.query("SELECT run FROM lab_visitors")
    for name in ("Q2", "Q4"):
        visitor.post(f"/lab/path/{name}", guess=next(iter(questions.ALL[name].choices)))
    assert site.query("SELECT run FROM lab_visitors") == [before]


def test_a_trial_that_fails_leaves_no_bench_behind(
    site: Site, visitor: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("by a test")

    monkeypatch.setattr(own_server, "send", fail)
    assert visitor.post("/lab/path/Q2", guess="nothing").status_code == 500
    assert site.query("SELECT count(*) FROM lab_visitors") == [(0,)]
    assert "As you predicted." not in page(visitor, "/lab/path/Q4")


def test_one_can_start_again(site: Site, visitor: Browser) -> None:
    visitor.post("/lab/sign-in")
    visitor.post("/lab/path/Q4", guess="sign-in")
    assert visitor.post("/lab/path/again").headers["Location"] == "/lab/path"
    assert kept(site) == {}
    assert site.query("SELECT run IS NULL FROM lab_visitors") in ([(0,)], [(False,)])
    assert "You have tried" not in page(visitor, "/lab/path")


@pytest.mark.parametrize("name", ["Q0", "Q10", "A23", "q1", "B1", "Q1/x"])
def test_another_id_is_nothing(visitor: Browser, name: str) -> None:
    assert visitor.get(f"/lab/path/{name}").status_code == 404
    assert visitor.post(f"/lab/path/{name}", guess="none").status_code == 404


@pytest.mark.parametrize("form", [{}, {"guess": ""}, {"guess": "maybe"}, {"choice": "none"}], ids=str)
def test_without_a_choice_nothing_is_tried_and_the_page_says_what_is_missing(
    site: Site, visitor: Browser, form: dict[str, str]
) -> None:
    answer = visitor.post("/lab/path/Q4", **form)
    assert answer.status_code == 422
    assert "Choose one first" in answer.text
    assert site.query("SELECT count(*) FROM lab_visitors") == [(0,)]


def test_a_prediction_that_another_site_sends_is_refused(visitor: Browser) -> None:
    headers = {"Origin": "https://evil.example"}
    assert visitor.post("/lab/path/Q4", headers, guess="sign-in").status_code == 403
    assert visitor.post("/lab/path/again", headers).status_code == 403


def test_an_address_tries_only_so_often(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "begun", Quota("trials in a test", "1 per minute"))
    visitor = site.browser(address="203.0.113.8")
    assert visitor.post("/lab/path/Q4", guess="sign-in").status_code == 303
    assert visitor.post("/lab/path/Q1", guess="none").status_code == 429
    assert visitor.get("/lab/path/Q1").status_code == 200


def test_every_page_to_go_on_with_is_there(site: Site) -> None:
    member = site.member()
    links = {path for question in questions.ALL.values() for path in question.go_on}
    links = {SOONER if link == SLOW else link for link in links - {"/signed-out"}}
    assert {link: member.get(link).status_code for link in links} == dict.fromkeys(links, 200)


def test_the_hand_out_has_every_claim_and_no_answer(visitor: Browser) -> None:
    visitor.post("/lab/path/Q4", guess="sign-in")
    sheet = page(visitor, "/lab/hand-out")
    for question in questions.ALL.values():
        assert f"“{question.claim}”" in sheet
        assert all(f"<li>{words}</li>" in sheet for words in question.choices.values())
        assert question.explain not in sheet
    assert "<script" not in sheet.partition("<body>")[2]


def test_with_answers_it_has_what_explains_and_what_this_visitor_found(visitor: Browser) -> None:
    visitor.post("/lab/path/Q4", guess="sign-in")
    sheet = page(visitor, "/lab/hand-out?answers=1")
    assert all(question.explain in sheet for question in questions.ALL.values())
    assert (
        "<strong>They have to sign in.</strong> The page answered 200 before the sign-out, and 401 after it." in sheet
    )
    assert "for 1 of 31 claims" in sheet
