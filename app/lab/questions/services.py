"""A20: three services and one list, and what becomes of the one that is cut off from it."""

from app.lab import player
from app.lab.evidence import Found, Grid, Row
from app.lab.player import PERSON, RedisOfAStory, Stage, Story
from app.lab.questions.question import LAB, Question, design, row

_DESIGNS = ("denylist-ask", "denylist-poll", "denylist-push", "status-list", "this-site")
_COLUMNS = ["one service: the copy", "another: the copy", "cut off: the copy", "cut off: a good token"]
CUT_SECONDS = 150  # before the sign-out: the longest that a design trusts an old list
LATER_SECONDS = 60


def _three_services() -> Found:
    rows = [(player.find(slug).name, _ask_everywhere(slug)) for slug in _DESIGNS]
    copies, good = ([cells[column].status for _, cells in rows] for column in (2, 3))
    choice = (
        "same"
        if set(copies) == {401}
        else "accepted"
        if set(copies) == {200}
        else "closed"
        if set(copies) == {503}
        else "differs"
    )
    says = (
        f"The service that was cut off accepted the copy under {copies.count(200)} of {len(rows)} designs, and answered"
        f" 503 to every token under {good.count(503)}."
    )
    note = f"It is cut off {CUT_SECONDS} seconds before the sign-out, and asked {LATER_SECONDS} seconds after it."
    return Found(choice, says, grid=Grid("Three services after one sign-out", note, "the list", _COLUMNS, rows))


def _ask_everywhere(slug: str) -> list[Row]:
    """Play one story to three verifiers, of which the last is cut off."""
    stage = Stage(player.find(slug).module, Story(()))
    services = [_Service(stage) for _ in range(3)]
    laptop, phone = stage.sessions.begin(PERSON), stage.sessions.begin(PERSON)
    services[2].world.cut = set(player.FAULTS)
    stage.clock.go_on(stage.clock.time + CUT_SECONDS)
    laptop = stage.sessions.refresh(laptop["refresh"]) or laptop
    phone = stage.sessions.refresh(phone["refresh"]) or phone
    stage.sessions.end(laptop["session"])
    stage.clock.go_on(stage.clock.time + LATER_SECONDS)
    copies = [
        service.check(what, laptop["access"], over=True) for what, service in zip(_COLUMNS, services, strict=False)
    ]
    return [*copies, services[2].check(_COLUMNS[3], phone["access"])]


class _Service:
    """One more verifier, on a machine of its own."""

    def __init__(self, stage: Stage) -> None:
        self._stage, self.world = stage, stage.world.beside()
        self.world.redis = RedisOfAStory(self.world)
        self._verifier = stage.design.Verifier(self.world)

    def check(self, what: str, token: str, *, over: bool = False) -> Row:
        self._stage.verifier, self._stage.at_verifier = self._verifier, self.world
        return row(what, self._stage.check(token), over=over)


QUESTIONS = (
    Question(
        "A20",
        "Every service needs access to the list",
        "Where tokens are accepted by more than one service, each of them has to know what is over. A line to the list can "
        "be cut for one of them, and not for the others.",
        "Three services use one list, and one is cut off from it. A session ends. What does that one say to a copy?",
        {
            "same": "It refuses it, as the others do",
            "accepted": "It accepts it, under every design",
            "closed": "It refuses every token, under every design",
            "differs": "Under some designs it accepts it, under others it refuses every token",
        },
        _three_services,
        "A service without news has two ways to err: to let in what is over, or to refuse what is good. Each design has chosen "
        "one. The services that are not cut off answer as before, so it is not noticed from there.",
        (design("denylist-push", "One that goes on"), design("status-list", "One that gives up after a while"), LAB),
    ),
)
