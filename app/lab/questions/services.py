"""A20: three services and one list, and what becomes of the one that is cut off from it."""

from app.lab import player
from app.lab.evidence import Found, Grid, Row, row
from app.lab.player import PERSON, Stage, Story
from app.lab.questions.question import read

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
        self._verifier = stage.design.Verifier(self.world)

    def check(self, what: str, token: str, *, over: bool = False) -> Row:
        self._stage.verifier, self._stage.at_verifier = self._verifier, self.world
        return row(what, self._stage.check(token), over=over)


QUESTIONS = read(__name__, A20=_three_services)
