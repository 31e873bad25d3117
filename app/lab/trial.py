"""A trial: a run for one question of the path, played to the designs that it is about. Nothing of it is kept."""

from collections.abc import Callable
from typing import Any

import httpx
from flask import current_app
from sqlalchemy import delete

from app import clock
from app.config import settings
from app.lab import lanes, player, visitors
from app.lab.evidence import Row, row
from app.lab.lanes import Picture
from app.lab.player import Answer, Stage
from app.lab.run import Run
from app.lab.visitors import Visitor
from app.store.db import db, writing


class Trial(Run):
    """A run that has begun, with a copy of the tokens."""

    def __init__(self) -> None:
        super().__init__("trial", clock.now())
        self.do("copy")

    def stage(self, slug: str = "", at: int | None = None) -> Stage:
        """Return a design, or what is the same in all of them, in the middle of the story, now or at another time."""
        return self.play(player.find(slug) if slug else None, None if at is None else at - self.began_at)

    def switch(self, *parts: str) -> None:
        """Switch parts off that are on, and on that are off."""
        for part in parts:
            self.do("mend" if part in self.stage().world.cut else "cut", part)

    def present(self, *slugs: str, whose: str = "thief", what: str = "", at: int | None = None) -> list[Row]:
        """Present an access token to these designs, now or at another time."""
        return [_ask(self.stage(slug, at), Stage.present, whose, what, slug) for slug in slugs]

    def page(self, what: str, whose: str = "thief") -> Row:
        """Open the page behind the session cookie."""
        return _ask(self.stage(), Stage.open_page, whose, what)

    def refresh(self, whose: str, what: str = "") -> Row:
        """Exchange a refresh token at the issuer, for good."""
        found = _ask(self.stage(), Stage.exchange, whose, what)
        self.do("refresh", whose)
        return found

    def first_refusal(self, slug: str) -> int:
        """Measure for how many seconds from the end on a design accepts the copied access token."""
        since = (self.ended_at or self.time) - self.began_at
        return player.first_refusal(player.find(slug), self.story(), since) - since

    def draw(self, *slugs: str) -> Picture:
        """Measure when each design first refuses the copy, and draw it, the longest exposed first."""
        rows = [(slug, player.find(slug).name, self.first_refusal(slug)) for slug in slugs]
        rows.sort(key=lambda row: -row[2])
        return lanes.draw(rows, max(1, self.expires_at - (self.ended_at or self.time)))

    def send(self, path: str, **asked: Any) -> httpx.Response:
        """Send one real request about this story, to our own application: a visitor has it for as long as that takes."""
        with writing():
            found, _secret = visitors.make()
            self.name = name = found.id
            found.run = self.to_json()
        token = self.stage().held["thief"]["refresh"]
        try:
            return _request(path, {"token": token, **asked.pop("data", {})}, **asked)
        finally:
            db.session.rollback()
            left = visitors.find(name)
            vars(self).update(vars((left and left.read_run()) or self))
            with writing():
                db.session.execute(delete(Visitor).where(Visitor.id == name))


def _ask(stage: Stage, ask: Callable[[Stage, str], Answer], whose: str, what: str, slug: str = "") -> Row:
    over = stage.has_ended(stage.held[whose]["session"])
    return row(what, ask(stage, whose), slug=slug, over=over)


def _request(path: str, data: dict[str, str], **asked: Any) -> httpx.Response:
    transport = httpx.WSGITransport(app=current_app.wsgi_app, remote_addr="127.0.0.1")
    with httpx.Client(transport=transport, base_url=settings().site_url, trust_env=False) as client:
        return client.post(path, data=data, **asked)
