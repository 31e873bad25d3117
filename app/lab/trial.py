"""A trial: a story for one question of the path, played to the designs that it is about. Nothing of it is kept."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import httpx
from flask import current_app
from sqlalchemy import delete

from app.config import settings
from app.db import db, writing
from app.lab import bench, lanes, player, run
from app.lab.bench import Bench
from app.lab.evidence import Row
from app.lab.lanes import Picture
from app.lab.player import Answer, Ask, Stage
from app.lab.run import Way

ASKS: dict[str, Callable[..., Answer]] = {
    "access": Stage.present,
    "refresh": Stage.exchange,
    "cookie": Stage.open_page,
}


@contextmanager
def trial() -> Iterator["Trial"]:
    """Sign in, and keep a copy at once."""
    yield Trial()


class Trial:
    """One story under way."""

    def __init__(self) -> None:
        self.run = run.begin("trial")
        self.run.do("copy")

    @property
    def now(self) -> int:
        return self.run.time

    @property
    def ended_at(self) -> int | None:
        return self.run.ended_at

    def stage(self, slug: str = "", at: int | None = None) -> Stage:
        """Return a design, or what is the same in all of them, in the middle of the story, now or at another time."""
        return self.run.play(player.find(slug) if slug else None, None if at is None else at - self.run.began_at)

    def do(self, name: str, of: str = "") -> Stage:
        return self.run.do(name, of)

    def wait(self, seconds: int) -> None:
        self.run.wait(seconds)

    def switch(self, *parts: str) -> None:
        """Switch parts off that are on, and on that are off."""
        for part in parts:
            self.do("mend" if part in self.stage().world.cut else "cut", part)

    def leave(self, way: Way) -> None:
        self.run.leave(way)

    def let_in(self, app: str) -> None:
        """Let an app in from the laptop: "app" ends with it, and "lasting" does not."""
        self.do("let-in", app)

    def sign_in_again(self) -> None:
        self.do("sign-in-again")

    def present(self, *slugs: str, whose: str = "thief", what: str = "", at: int | None = None) -> list[Row]:
        """Present an access token to these designs, now or at another time."""
        return [
            self._row(self.stage(slug, at), partial(Stage.present, whose=whose), whose, what, slug) for slug in slugs
        ]

    def page(self, what: str, whose: str = "thief") -> Row:
        """Open the page behind the session cookie."""
        return self._row(self.stage(), partial(Stage.open_page, whose=whose), whose, what)

    def refresh(self, whose: str, what: str) -> Row:
        """Exchange a refresh token at the issuer, for good."""
        row = self._row(self.stage(), partial(Stage.exchange, whose=whose), whose, what)
        self.do("refresh", whose)
        return row

    def first_refusal(self, slug: str = "", credential: str = "access") -> int:
        """Measure for how many seconds from the end on a design accepts what was copied."""
        since = (self.ended_at or self.now) - self.run.began_at
        ask: Ask = ASKS[credential]
        return (
            player.first_refusal(player.find(slug) if slug else run.reference(), self.run.story(), since, ask) - since
        )

    def draw(self, *slugs: str) -> Picture:
        """Measure when each design first refuses the copy, and draw it."""
        rows = [(slug, player.find(slug).name, self.first_refusal(slug)) for slug in slugs]
        return lanes.draw(rows, max(1, self.run.expires_at - (self.ended_at or self.now)))

    def send(self, path: str, **asked: Any) -> httpx.Response:
        """Send one real request about this story, to our own application: it lies on a bench for as long as that takes."""
        with writing():
            found, _secret = bench.make()
            self.run.name, name = found.id, found.id
            found.run = self.run.to_json()
        token = self.stage().held["thief"]["refresh"]
        try:
            return _request(path, {"token": token, **asked.pop("data", {})}, **asked)
        finally:
            db.session.rollback()
            left = bench.find(name)
            self.run = (left.read_run() if left else None) or self.run
            with writing():
                db.session.execute(delete(Bench).where(Bench.id == name))

    def _row(self, stage: Stage, ask: Ask, whose: str, what: str, slug: str = "") -> Row:
        over = stage.has_ended(stage.held[whose]["session"])
        answer = ask(stage)
        return Row(what, answer.status, answer.accepted, over, answer.why, slug, asked=dict(answer.asked))


def _request(path: str, data: dict[str, str], **asked: Any) -> httpx.Response:
    transport = httpx.WSGITransport(app=current_app.wsgi_app, remote_addr="127.0.0.1")
    with httpx.Client(transport=transport, base_url=settings().site_url, trust_env=False) as client:
        return client.post(path, data=data, **asked)
