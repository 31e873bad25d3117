"""Relying parties that run beside this site: what they learn of a run, and how each answers the copied token."""

import secrets
import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from typing import Any

import httpx

from app import clock
from app.capacity import admission
from app.config import settings
from app.crypto.keys import access_keys
from app.lab.log import Ended
from app.lab.player import ACCESS_LIFE
from app.lab.run import Run

PATIENCE_SECONDS = 0.5
MAX_BYTES = 16 * 1024
_EVERYTHING = ("all", "disabled")
_ANSWER = {"accepted": bool, "status": int, "delivery": str, "reason": str, "decided_by": str}


def token(run: Run, whose: str = "thief") -> str:
    """Sign a token for the thief, or for the phone. It expires in real time, which relying parties keep."""
    stage = run.play()
    session = stage.held.get(whose, {}).get("session", stage.session)
    issued = max(stage.tokens.values()) if session == stage.session else run.began_at
    claims = {
        "iss": settings().site_url,
        "aud": f"{settings().site_url}/lab",  # so the site's own API refuses it
        "sub": run.name,
        "sid": session,
        "jti": secrets.token_urlsafe(12),
        "opened": run.opened,
        "iat": issued,
        "exp": issued + ACCESS_LIFE,
    }
    return access_keys().signing(clock.now()).sign(claims, "at+jwt")


def over(run: Run) -> str | None:
    """Return which part of the run is over at the server: its session, or its user. None if neither is, also where the browser forgot."""
    if run.ended_by in _EVERYTHING:
        return run.name
    stage = run.play()
    return stage.session if stage.is_over else None


def ended(run: Run) -> Ended | None:
    """Return the lab's log entry for what of the run is over."""
    subject, cut = over(run), run.play().world.cut
    if subject is None or "withhold" in cut:
        return None  # the issuer lies, to relying parties as well
    return Ended(subject=subject, until=run.expires_at, pushed="push" not in cut)


def present(token: str) -> list[dict[str, Any]]:
    """Ask all relying parties at once. Return a row for each, even if it does not answer in time."""
    urls = settings().relying_parties
    client, pool = _client(), ThreadPoolExecutor(len(urls))
    with admission.aside():
        asked = [pool.submit(_ask, client, url, token) for url in urls]
        wait(asked, timeout=PATIENCE_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    return [{"url": url, **_found(answer)} for url, answer in zip(urls, asked, strict=True)]


def _found(answer: "Future[dict[str, Any]]") -> dict[str, Any]:
    if not answer.done():
        return {"problem": f"It did not answer within {PATIENCE_SECONDS * 1000:.0f} ms."}
    try:
        return answer.result()
    except httpx.HTTPError:
        return {"problem": "It does not answer."}
    except ValueError:
        return {"problem": "Its answer makes no sense."}


def _ask(client: httpx.Client, url: str, token: str) -> dict[str, Any]:
    """Return a relying party's answer. Raises HTTPError, and ValueError if the answer makes no sense."""
    began = time.perf_counter()
    with client.stream("GET", f"{url}/api/me", headers={"Authorization": f"Bearer {token}"}) as answer:
        body = b""
        for part in answer.iter_bytes():
            body += part
            if len(body) > MAX_BYTES or time.perf_counter() > began + PATIENCE_SECONDS:
                raise ValueError("too much, or too slow")
    verdict = httpx.Response(200, content=body).json()
    if not isinstance(verdict, dict) or any(type(verdict.get(name)) is not kind for name, kind in _ANSWER.items()):
        raise ValueError("not a verdict")
    return {name: verdict[name] for name in _ANSWER} | {"milliseconds": (time.perf_counter() - began) * 1000}


@cache
def _client() -> httpx.Client:
    """Return the process's client: making one takes longer than asking. It keeps no connection, and follows no redirect."""
    return httpx.Client(
        timeout=PATIENCE_SECONDS,
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_keepalive_connections=0),
    )
