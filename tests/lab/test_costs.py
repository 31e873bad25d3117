"""What the designs cost, on a simulated day: as claimed, the same each time, and for any setting of the sliders."""

from types import ModuleType

import pytest
from werkzeug.datastructures import MultiDict

from app.lab import player
from app.lab.costs import bars, measure
from app.lab.costs import page as costs
from app.lab.costs.bars import Bar
from app.lab.costs.day import Day
from app.lab.costs.measure import Comparison, Cost
from tests.browsers import Site

DAY = Day(people=40, life=300, poll=60, leaving=40)
POLLED = ["denylist-poll", "bloom-filter", "key-rotation", "status-list", "transparency"]
ASKED = ["denylist-ask", "allowlist-ask", "cutoff-ask", "logout-time", "token-version", "introspection"]
COARSE = {"cutoff-ask", "logout-time", "token-version", "key-rotation"}


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return measure.compare(DAY)


def slug_of(module: ModuleType) -> str:
    return module.__name__.rpartition(".")[2].replace("_", "-")


def alone(slug: str, day: Day) -> Cost:
    """Live a design's day anew."""
    return measure.live.__wrapped__(slug, day)


def test_the_same_seed_gives_the_same_day_and_another_one_another(compared: Comparison) -> None:
    assert alone("denylist-poll", DAY) == compared.of("denylist-poll")
    assert alone("denylist-poll", DAY._replace(seed=2)) != compared.of("denylist-poll")


@pytest.mark.question("Q8")
def test_the_list_of_what_was_revoked_is_smaller_than_the_list_of_what_is_valid(compared: Comparison) -> None:
    assert compared.of("denylist-ask").stored < compared.of("allowlist-ask").stored


@pytest.mark.question("A9")
def test_a_denylist_lets_go_of_what_has_expired_and_a_version_stays(compared: Comparison) -> None:
    assert compared.of("denylist-ask").rows < compared.of("token-version").rows <= compared.endings


@pytest.mark.question("A15")
def test_expiry_alone_exposes_a_token_for_its_life_and_remembers_nothing(compared: Comparison) -> None:
    cost = compared.of("expiry")
    assert DAY.life / 2 < cost.worst <= DAY.life
    assert (cost.stored, cost.held, cost.lookups, cost.messages) == (0, 0, 0, 0)


@pytest.mark.question("A1", "A12")
@pytest.mark.parametrize("slug", ASKED)
def test_asking_knows_at_once_and_costs_a_question_for_every_request(compared: Comparison, slug: str) -> None:
    cost = compared.of(slug)
    assert (cost.worst, cost.lookups) == (0, compared.requests)


@pytest.mark.parametrize("slug", POLLED)
def test_polling_knows_by_the_next_poll_however_many_requests_there_are(compared: Comparison, slug: str) -> None:
    cost = compared.of(slug)
    assert 0 < cost.mean < cost.worst <= DAY.poll
    assert (24 * 60 * 60 + DAY.life) // DAY.poll <= cost.lookups < compared.requests + 2000
    assert cost.bytes > 0


def test_a_poll_that_comes_later_than_expiry_exposes_no_longer_than_expiry() -> None:
    assert alone("denylist-poll", DAY._replace(life=120, poll=300)).worst <= 120


def test_a_cached_answer_saves_questions_and_exposes_as_long_as_it_is_kept(compared: Comparison) -> None:
    cached, asked = compared.of("introspection-cached"), compared.of("introspection")
    assert cached.lookups < asked.lookups
    assert 0 < cached.worst <= DAY.poll


def test_a_push_costs_a_message_for_each_sign_out(compared: Comparison) -> None:
    cost = compared.of("denylist-push")
    assert (cost.worst, cost.lookups, cost.messages) == (0, 0, compared.endings)


def test_designs_without_sessions_refuse_wrongly_and_exact_ones_do_not(compared: Comparison) -> None:
    refused = {cost.design.slug for cost in compared.costs if cost.refused}
    assert refused <= COARSE | {"bloom-filter"}
    assert {"cutoff-ask", "key-rotation"} <= refused


@pytest.mark.parametrize("day", [Day(poll=300), Day(poll=15), Day(life=120, poll=300), Day(life=3600, leaving=100)])
def test_wherever_the_sliders_stand_a_design_that_knows_sessions_refuses_none_that_goes_on(day: Day) -> None:
    costs = [alone(design.slug, day._replace(people=20)) for design in player.every()]
    assert {cost.slug for cost in costs if cost.refused} <= COARSE | {"bloom-filter"}


def test_a_verifier_made_to_ask_three_times_costs_three_times_as_much(
    compared: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = player.read

    def thrice(slug: str) -> ModuleType:
        module = read(slug)
        check = module.Verifier.check
        module.Verifier.check = lambda verifier, token: [check(verifier, token) for _ in range(3)]
        return module

    monkeypatch.setattr(player, "read", thrice)
    assert alone("allowlist-ask", DAY).lookups == 3 * compared.requests


def test_a_design_lives_once_through_a_day_and_again_only_where_a_slider_concerns_it(
    compared: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    lived, play = list[str](), measure._Play
    monkeypatch.setattr(measure, "_Play", lambda module, day: lived.append(slug_of(module)) or play(module, day))
    assert measure.compare(DAY) == compared
    assert lived == []
    measure.compare(DAY._replace(poll=DAY.poll + 1))
    assert sorted(lived) == sorted([*POLLED, "introspection-cached", "shared-cached"])


def test_designs_with_the_same_value_share_a_bar_and_the_longest_comes_first() -> None:
    drawn = bars.chart([Bar("a", 1, "one"), Bar("b", 100, "many"), Bar("c", 1, "one")], "s")
    assert [bar.name for bar in drawn.bars] == ["b", "a · c"]
    assert drawn.x(100) == 100 > drawn.x(1) > 0
    assert [words for _, words in drawn.ticks] == ["1 s"]  # the other one has no room for its words


def test_a_chart_of_nothing_can_be_drawn() -> None:
    assert bars.chart([Bar("a", 0, "")]).x(0) == 0


def test_a_slider_moves_what_it_is_given_to_its_nearest_place() -> None:
    people, *_ = costs.SLIDERS
    given = ["149", "151", "-5", "99999999", "many", "", "9" * 5000, "1e3", "²"]
    assert [people.read(MultiDict({"people": text})) for text in given] == [140, 160, 20, 200, *[60] * 5]


@pytest.mark.sqlite
def test_the_page_says_what_is_true_and_shows_every_design(site: Site) -> None:
    page = site.browser().get("/lab/costs?people=20").text
    assert "The list of what was revoked takes" in page
    assert "20 people with" in page
    assert all(f'<tr id="{design.slug}">' in page for design in player.every())


@pytest.mark.question("Q7")
@pytest.mark.sqlite
def test_the_times_of_one_check_are_measured_and_shown(site: Site) -> None:
    page = site.browser().get("/lab/costs?people=20").text
    assert "Here, a signature took" in page
    assert page.count("µs</span>") >= 2
    for what in ("Verify a signature", "Find a row", "Check a token as this site does"):
        assert what in page


@pytest.mark.sqlite
def test_the_sliders_are_a_plain_form_that_comes_back_as_it_was_sent(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(costs, "_compare", lambda _day: measure.compare(Day(people=1)))
    page = site.browser().get("/lab/costs?people=20&life=10&poll=60&leaving=50").text
    assert '<form action="/lab/costs" class="sliders"' in page
    assert [f">{words}</output>" in page for words in ("20 people", "10 minutes", "60 seconds", "50 percent")] == [
        True
    ] * 4


@pytest.mark.sqlite
@pytest.mark.parametrize("junk", ["", "-1", "1e999", "%00", "%ff", "<i>", "9" * 500, "NaN", "٣"])
def test_no_parameter_breaks_the_page(site: Site, monkeypatch: pytest.MonkeyPatch, junk: str) -> None:
    monkeypatch.setattr(costs, "_compare", lambda _day: measure.compare(Day(people=1)))
    answer = site.browser().get(f"/lab/costs?people={junk}&life={junk}&poll={junk}&leaving={junk}&seed={junk}")
    assert answer.status_code == 200
    assert "<i>" not in answer.text
