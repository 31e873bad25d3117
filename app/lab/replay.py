"""The replay: the copied tokens, presented to every design at once by real requests, in process."""

import contextvars
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

import httpx
from flask import current_app

from app.config import settings
from app.db import db
from app.lab import issuer, parties
from app.lab.designs import ALL, NAMED, Design, Token
from app.lab.resource import COOKIE, TIME
from app.lab.run import Pocket, Run

Ask = Callable[..., httpx.Response]


@dataclass(frozen=True)
class Found:
    """What one replay found: *at* which moment of the run, a line for each design, and what the issuer itself said.
    *parties*: what relying parties in processes of their own said."""

    at: int
    rows: list[dict[str, Any]]
    issuer: list[dict[str, Any]]
    parties: list[dict[str, Any]]


def of(run: str) -> dict[str, Any]:
    """Present the tokens of a *run* to every design that has a name; both as JSON, to be told to another process."""
    return asdict(everywhere(Run.from_json(run), NAMED))


def everywhere(run: Run, designs: Iterable[Design]) -> Found:
    """Present the copied tokens everywhere now; after a sign-out also find when each design first refuses them."""
    pocket = run.copied or run.held
    if pocket is None:
        raise ValueError("nothing was copied")
    at = issuer.now(run)
    with requests() as ask:
        present(ask, ALL["this-site"], pocket.access, at)  # so that none of them is the first to need anything
        rows = [_row(ask, design, run, pocket, at) for design in designs]
        return Found(at, rows, [_cookie(ask, pocket), *_refresh(ask, run, pocket)], parties.present(pocket.access))


def _row(ask: Ask, design: Design, run: Run, pocket: Pocket, at: int) -> dict[str, Any]:
    token = pocket.access if design.token is Token.JWT else pocket.opaque
    answer = present(ask, design, token, at)
    row = {"slug": design.slug, "milliseconds": answer.elapsed.total_seconds() * 1000, **answer.json()}
    return row | {"first_refusal": first_refusal(ask, design, token, run) if run.ended_at is not None else None}


def first_refusal(ask: Ask, design: Design, token: str, run: Run) -> int:
    """Measure the first second, from the sign-out on, in which the design accepts the token no more."""
    low, high = run.ended_at or run.began_at, run.laptop.access_until
    if low >= high or present(ask, design, token, low).status_code != 200:
        return low
    while high - low > 1:
        middle = (low + high) // 2
        if present(ask, design, token, middle).status_code == 200:
            low = middle
        else:
            high = middle
    return high


def present(ask: Ask, design: Design, token: str, at: int) -> httpx.Response:
    return ask("GET", f"/lab/api/{design.slug}", headers={"Authorization": f"Bearer {token}", TIME: str(at)})


def _cookie(ask: Ask, pocket: Pocket) -> dict[str, Any]:
    answer = ask("GET", "/lab/page", headers={"Cookie": f"{COOKIE}={pocket.cookie}"})
    return {"what": "session cookie", "where": "GET /lab/page", **answer.json()}


def _refresh(ask: Ask, run: Run, pocket: Pocket) -> list[dict[str, Any]]:
    """Try the refresh token, unless that would end the session: an old one is for the visitor to use, knowing it."""
    if issuer.is_spent(run, pocket.refresh):
        return []
    if run.ended_at is None:
        return []  # it is good, and to use it would make it old
    answer = ask("POST", "/lab/token", data={"grant_type": "refresh_token", "refresh_token": pocket.refresh})
    accepted = answer.status_code == 200
    reason = "It is good: whoever holds it gets new tokens." if accepted else answer.json()["error"]
    return [
        {
            "what": "refresh token",
            "where": "POST /lab/token",
            "status": answer.status_code,
            "accepted": accepted,
            "reason": reason,
        }
    ]


@contextmanager
def requests(address: str = "127.0.0.1") -> Iterator[Ask]:
    """Give a client, at this address, of our own application: it shares nothing with the request that asks."""
    db.session.remove()
    transport = httpx.WSGITransport(app=current_app.wsgi_app, remote_addr=address)
    with httpx.Client(transport=transport, base_url=settings().site_url, trust_env=False) as client:
        yield lambda *args, **kwargs: contextvars.Context().run(client.request, *args, **kwargs)
