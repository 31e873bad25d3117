"""The replay: present what a thief copied to every design, and to the issuer. Pure: it only plays a story."""

from collections.abc import Callable
from functools import partial
from typing import NamedTuple

from app.lab import lanes, player
from app.lab.home.sessions import LIFE
from app.lab.lanes import Picture
from app.lab.player import Answer, Design, Stage, Story
from app.lab.run import Run, reference

_CUTS = {"client": "Forgetting", "expiry": "Expiry"}


class Replay(NamedTuple):
    """*at*: when it was, by the run's clock. *over*: the server has ended the session, so accepting is a fault. *rows*: one for
    each design, the longest exposed first. *issuer*: the refresh token and the session cookie, under any design."""

    at: int
    over: bool
    rows: list[Answer]
    issuer: list[Answer]

    @property
    def accepted(self) -> int:
        return sum(row.accepted for row in self.rows)

    @property
    def two(self) -> tuple[Answer, Answer]:
        """The answer in short: the refresh token, which is looked up, and the JWT that nothing but its expiry stops."""
        return self.issuer[0], next(row for row in self.rows if row.slug == reference().slug)


def everywhere(story: Story, now: int, ended: int | None) -> Replay:
    """Present what was copied everywhere, *now*. If the session has *ended*, also find when each is first refused."""

    def judge(slug: str, name: str, design: Design, ask: Callable[..., Answer]) -> Answer:
        answer = ask(player.play(design, story, now), whose)
        is_measured = ended is not None and (answer.accepted or now > ended)
        exposed = player.exposure(design, story, ended or 0, partial(ask, whose=whose)) if is_measured else 0
        return answer._replace(slug=slug, what=name, exposed=exposed)

    stage = player.play(reference(), story, now)
    whose = "thief" if "thief" in stage.held else "laptop"
    rows = [judge(design.slug, design.name, design, Stage.present) for design in player.every()]
    rows.sort(key=lambda row: (-row.exposed, row.what))
    credentials = (("refresh token", Stage.exchange), ("session cookie", Stage.open_page))
    return Replay(stage.now, stage.is_over, rows, [judge("", name, reference(), ask) for name, ask in credentials])


def draw(run: Run, found: Replay) -> dict[str, Picture]:
    """Draw a lane for each design, one for each of the thief's other things, and one for each of the two."""
    cut, now = _CUTS.get(run.ended_by or "", "Sign-out"), run.now - run.ended
    every = [(row.slug, row.what, row.exposed) for row in found.rows]
    longer = [("", row.what.capitalize(), row.exposed) for row in found.issuer]
    names = "Refresh token: looked up", "Access token, a JWT: not looked up"
    two = [("", name, row.exposed) for name, row in zip(names, found.two, strict=True)]
    return {
        "designs": lanes.draw(every, run.seconds_left, now=now, cut=cut),
        "issuer": lanes.draw(longer, LIFE - run.ended, cut=cut),
        "two": lanes.draw(two, run.seconds_left, cut=cut),
    }
