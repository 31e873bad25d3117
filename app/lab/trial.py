"""A trial: one disposable run for one question of the path. It lies on a bench that no browser has, and goes with it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TypeVar

import httpx
from sqlalchemy import delete

from app.db import db, writing
from app.identity.browsers import Browser
from app.lab import bench, issuer, lanes, leaving, replay
from app.lab.bench import Bench
from app.lab.designs import ALL, Fault, Token
from app.lab.evidence import Row
from app.lab.lanes import Picture
from app.lab.replay import Ask
from app.lab.resource import COOKIE
from app.lab.run import Pocket, Run, Way

T = TypeVar("T")
HERE = Browser("the laptop", "127.0.0.1")


@contextmanager
def trial() -> Iterator["Trial"]:
    """Sign in on a bench of its own; when the block ends, the bench is gone."""
    with writing():
        found, _secret = bench.make()
        run, name = issuer.sign_in(found.id), found.id
        found.run = run.to_json()
    try:
        with replay.requests() as ask:
            yield Trial(name, run, ask)
    finally:
        with writing():
            db.session.execute(delete(Bench).where(Bench.id == name))


class Trial:
    """*run* as it is now; *pocket*: what was copied at the beginning."""

    def __init__(self, name: str, run: Run, ask: Ask) -> None:
        if run.held is None:
            raise ValueError("nobody is signed in")
        self.name, self.run, self._ask = name, run, ask
        self.pocket: Pocket = run.held

    @property
    def now(self) -> int:
        return issuer.now(self.run)

    def change(self, act: Callable[[Run], T]) -> T:
        """Do something to the run in one transaction. Raises what *act* raises, and then nothing is changed."""
        with writing():
            found = bench.lock(self.name)
            run = found.read_run() if found else None
            if found is None or run is None:
                raise LookupError(self.name)
            done = act(run)
            found.run = run.to_json()
        self.run = run
        return done

    def wait(self, seconds: int) -> None:
        def on(run: Run) -> None:
            run.offset += seconds

        self.change(on)

    def switch(self, *faults: Fault) -> None:
        def off(run: Run) -> None:
            for fault in faults:
                run.switch(fault, issuer.now(run))

        self.change(off)

    def leave(self, way: Way) -> None:
        """End the laptop's session: the server writes an entry, unless only the browser forgets or time passes."""
        self.change(lambda run: leaving.leave(run, way))

    def let_in(self, *, lasts: bool) -> Pocket:
        """Let an app in from the laptop."""
        return self.change(lambda run: issuer.let_in(run, self.name, lasts=lasts))

    def present(self, *slugs: str, token: str | None = None, what: str = "", at: int | None = None) -> list[Row]:
        """Present the copy, or another *token*, to these designs, now or at the moment *at*."""
        return [self._present(slug, token, what, self.now if at is None else at) for slug in slugs]

    def send(self, path: str, **form: str) -> httpx.Response:
        """Post a form to one of the issuer's endpoints."""
        return self._ask("POST", path, data=form)

    def get(self, path: str, token: str, **query: str) -> httpx.Response:
        return self._ask("GET", path, params=query, headers={"Authorization": f"Bearer {token}"})

    def sign_in_again(self) -> Pocket:
        """Sign in once more on the laptop."""
        return self.change(lambda run: issuer.sign_in_again(run, self.name))

    def refresh(self, token: str, what: str, browser: Browser = HERE) -> tuple[Row, Pocket]:
        """Exchange a refresh token by a real request; return the answer and the new tokens, empty if it was refused."""
        form = {"grant_type": "refresh_token", "refresh_token": token}
        with replay.requests(browser.address) as ask:
            answer = ask("POST", "/lab/token", data=form, headers={"User-Agent": browser.user_agent})
        self._reload()
        accepted, found = answer.status_code == 200, answer.json()
        why = "New tokens were given." if accepted else found["error"]
        row = Row(what, answer.status_code, accepted=accepted, over=self.run.ended_at is not None, why=why)
        row = replace(row, reaction=found.get("place", ""))
        access, opaque, newer = (found.get(name, "") for name in ("access_token", "opaque", "refresh_token"))
        return row, Pocket(access, opaque, newer, "")

    def page(self, cookie: str, what: str) -> Row:
        """Open the page behind the session cookie."""
        answer = self._ask("GET", "/lab/page", headers={"Cookie": f"{COOKIE}={cookie}"})
        return _row(answer, what, over=self.run.ended_at is not None)

    def draw(self, *slugs: str) -> Picture:
        """Measure when each design first refuses the copy, and draw it."""
        rows = [{"slug": slug, "first_refusal": self.first_refusal(slug)} for slug in slugs]
        return lanes.draw(self.run, {"rows": rows}, ALL)

    def first_refusal(self, slug: str) -> int:
        """Find the second, from the sign-out on, in which a design refuses the copy for the first time."""
        design = ALL[slug]
        return replay.first_refusal(self._ask, design, self._token(slug), self.run)

    def _reload(self) -> None:
        db.session.rollback()
        found = bench.find(self.name)
        self.run = (found.read_run() if found else None) or self.run

    def _present(self, slug: str, token: str | None, what: str, at: int) -> Row:
        answer = replay.present(self._ask, ALL[slug], token or self._token(slug), at)
        row = _row(answer, what, over=self.run.ended_at is not None and token is None)
        return replace(row, slug=slug)

    def _token(self, slug: str) -> str:
        return self.pocket.access if ALL[slug].token is Token.JWT else self.pocket.opaque


def _row(answer: httpx.Response, what: str, *, over: bool) -> Row:
    found = answer.json()
    return Row(
        what,
        answer.status_code,
        accepted=found["accepted"],
        over=over,
        why=found["reason"],
        decided_by=found["decided_by"],
        look_ups=tuple(found["look_ups"]),
        microseconds=round(found["microseconds"], 1),
    )
