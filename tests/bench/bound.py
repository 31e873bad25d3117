"""What a page and a refresh cost in a session that is bound to its device, beside one that is not."""

from functools import partial

from tests.bench.acts import Acts, running
from tests.bench.arms import Arm, again, measure, ratio
from tests.bench.line import carrying, get
from tests.bench.report import say
from tests.browsers import Pocket
from tests.device import URL, Chrome

ROUNDS = 9


def compare() -> None:
    """Measure both on one site that is reached by https, as its proxy would hand the requests on."""
    with running(SITE_URL=URL) as acts:
        bound, other = (Chrome(acts.site, "Firefox on Linux") for _ in range(2))
        bound.enter("bound@example.org")
        other.sign_up("other@example.org")
        arms = [*_arms(acts, "bound", bound.pocket()), *_arms(acts, "not bound", other.pocket())]
        measure(arms, ROUNDS)
    page, refresh, plain_page, plain_refresh = arms
    say("the account page in a bound session / in one that is not", ratio(page, plain_page))
    say("a refresh of a bound session / of one that is not", ratio(refresh, plain_refresh))


def _arms(acts: Acts, name: str, pocket: Pocket) -> tuple[Arm, Arm]:
    page = again(partial(acts.line.ask, get("/account", **carrying(pocket))))
    refresh = again(acts.refreshing(pocket))
    return Arm(f"account, {name}", acts.servers, page), Arm(f"refresh, {name}", acts.servers, refresh)
