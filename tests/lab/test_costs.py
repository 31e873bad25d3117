"""What the designs cost, on a simulated day: as claimed, the same each time, and whatever the sliders say."""

from dataclasses import replace

import pytest

from app.lab.costs import bars, measure, sliders
from app.lab.costs import page as costs
from app.lab.costs.bars import Value
from app.lab.costs.compared import DESIGNS, Delivery
from app.lab.costs.day import Day
from app.lab.costs.measure import Comparison
from tests.browsers import Site

DAY = Day(people=600, life=300, poll=15, leaving=30)
POLLED = [design.slug for design in DESIGNS if design.delivery is Delivery.POLL]
ASKED = [design.slug for design in DESIGNS if design.delivery is Delivery.ASK]
EXACT = ["denylist-ask", "denylist-poll", "denylist-push", "transparency", "this-site"]


@pytest.fixture(scope="module")
def compared() -> Comparison:
    return measure.compare(DAY)


def test_the_same_seed_gives_the_same_table_and_another_one_another(compared: Comparison) -> None:
    assert measure.compare(DAY) == compared
    assert measure.compare(replace(DAY, seed=2)) != compared


@pytest.mark.question("Q8")
def test_the_list_of_what_was_revoked_is_much_smaller_than_the_list_of_what_is_valid(compared: Comparison) -> None:
    assert compared.of("denylist-ask").held * 10 < compared.of("allowlist-ask").held


@pytest.mark.question("A9")
def test_a_denylist_lets_go_of_what_has_expired_and_a_logout_time_stays(compared: Comparison) -> None:
    assert compared.of("denylist-ask").rows < compared.of("cutoff-ask").rows <= compared.endings * 2


@pytest.mark.question("A15")
def test_expiry_alone_exposes_a_token_for_its_life_and_remembers_nothing(compared: Comparison) -> None:
    cost = compared.of("expiry")
    assert DAY.life / 2 < cost.worst <= DAY.life
    assert (cost.held, cost.lookups, cost.messages) == (0, 0, 0)


@pytest.mark.question("A1", "A12")
@pytest.mark.parametrize("slug", ASKED)
def test_who_asks_knows_at_once_and_asks_at_every_request(compared: Comparison, slug: str) -> None:
    cost = compared.of(slug)
    assert (cost.worst, cost.lookups) == (0, compared.requests)


@pytest.mark.parametrize("slug", POLLED)
def test_who_polls_knows_by_the_next_poll_however_many_requests_there_are(compared: Comparison, slug: str) -> None:
    cost = compared.of(slug)
    assert 0 < cost.mean < cost.worst <= DAY.poll
    assert cost.lookups == 24 * 60 * 60 // DAY.poll


def test_a_poll_that_comes_later_than_expiry_exposes_no_longer_than_expiry() -> None:
    slow = measure.compare(replace(DAY, people=100, life=120, poll=300))
    assert max(slow.of(slug).worst for slug in POLLED) <= 120
    assert 120 < slow.of("introspection-cached").worst <= 300  # the token has no expiry of its own


def test_a_cached_answer_saves_questions_and_exposes_as_long_as_it_is_kept(compared: Comparison) -> None:
    cached, asked = compared.of("introspection-cached"), compared.of("introspection")
    assert cached.lookups < asked.lookups
    assert 0 < cached.worst <= DAY.poll


def test_a_push_is_under_way_for_a_moment_and_this_site_waits_for_it(compared: Comparison) -> None:
    assert 0 < compared.of("denylist-push").worst <= measure.PUSH
    assert compared.of("this-site").worst == 0
    assert compared.of("this-site").messages == compared.of("denylist-push").messages >= compared.endings


def test_one_logout_time_for_a_person_wrongly_refuses_their_other_devices(compared: Comparison) -> None:
    assert compared.of("cutoff-ask").refused > 0


def test_lists_of_sessions_wrongly_refuse_where_a_single_token_was_revoked() -> None:
    revoking = measure.compare(replace(DAY, people=2000))
    assert revoking.of("allowlist-ask").refused > 0
    assert revoking.of("status-list").refused > 0


@pytest.mark.parametrize("slug", EXACT)
def test_what_is_exact_wrongly_refuses_nobody(compared: Comparison, slug: str) -> None:
    assert compared.of(slug).refused == 0


def test_designs_with_the_same_value_share_a_bar_and_the_longest_comes_first() -> None:
    drawn = bars.chart([Value("a", 1, "one"), Value("b", 10, "ten"), Value("c", 1, "one")], {1: "1", 10: "10"})
    assert [bar.names for bar in drawn.bars] == [("b",), ("a", "c")]
    assert drawn.bars[0].x == 100 > drawn.bars[1].x > 0
    assert [words for _, words in drawn.ticks] == ["1"]  # the other one has no room for its words


def test_a_chart_of_nothing_can_be_drawn() -> None:
    assert [bar.x for bar in bars.chart([Value("a", 0, "")], {1: "1"}).bars] == [0]


def test_a_slider_moves_what_it_is_given_to_its_nearest_place() -> None:
    given = ["149", "151", "-5", "99999999", "many", "", "9" * 5000, "1e3", "²"]
    assert [sliders.PEOPLE.read({"people": text}) for text in given] == [100, 200, 100, 5000, *[2000] * 5]


@pytest.mark.sqlite
def test_the_page_says_what_is_true_and_shows_every_design(site: Site) -> None:
    page = site.browser().get("/lab/costs?people=300").text
    assert "The list of what was revoked takes" in page
    assert "300 people with" in page
    assert all(f'<tr id="{design.slug}">' in page for design in DESIGNS)


@pytest.mark.question("Q7")
@pytest.mark.sqlite
def test_the_times_of_one_check_are_measured_and_shown(site: Site) -> None:
    page = site.browser().get("/lab/costs?people=100").text
    assert "Here, a signature took" in page
    assert page.count("µs</span>") >= 2
    for what in ("Verify a signature", "Find a row", "Recognise a token", "Ask the checker"):
        assert what in page


@pytest.mark.sqlite
def test_the_sliders_are_a_plain_form_that_comes_back_as_it_was_sent(site: Site) -> None:
    page = site.browser().get("/lab/costs?people=200&life=10&poll=60&leaving=50").text
    assert '<form action="/lab/costs" class="sliders">' in page
    assert [f">{words}</output>" in page for words in ("200 people", "10 minutes", "60 seconds", "50 percent")] == [
        True
    ] * 4


@pytest.mark.sqlite
@pytest.mark.parametrize("junk", ["", "-1", "1e999", "%00", "%ff", "<i>", "9" * 500, "NaN", "٣"])
def test_no_parameter_breaks_the_page(site: Site, monkeypatch: pytest.MonkeyPatch, junk: str) -> None:
    monkeypatch.setattr(costs, "_compare", lambda _day: measure.compare(Day(people=10)))
    answer = site.browser().get(f"/lab/costs?people={junk}&life={junk}&poll={junk}&leaving={junk}&seed={junk}")
    assert answer.status_code == 200
    assert "<i>" not in answer.text
