"""Relying parties that run beside this site: the copied token is presented to each of them over the network."""

import time
from concurrent.futures import Future, ThreadPoolExecutor, wait
from functools import cache
from typing import Any

import httpx

from app.capacity import admission
from app.config import settings

PATIENCE_SECONDS = 0.5
LONGEST = 16 * 1024
_ANSWER = {"accepted": bool, "status": int, "delivery": str, "reason": str, "decided_by": str}


def present(token: str) -> list[dict[str, Any]]:
    """Ask all of them at once; a row for each, also for one that does not answer in time."""
    urls = settings().relying_parties
    if not urls:
        return []
    client, pool = _client(), ThreadPoolExecutor(len(urls))
    with admission.aside():
        asked = [pool.submit(_ask, client, url, token) for url in urls]
        wait(asked, timeout=PATIENCE_SECONDS)
    pool.shutdown(wait=False, cancel_futures=True)
    return [{"url": url, **_found(answer)} for url, answer in zip(urls, asked, strict=True)]


def _found(answer: "Future[dict[str, Any]]") -> dict[str, Any]:
    if not answer.done():
        return {"problem": f"It did not answer within {PATIENCE_SECONDS * 1000:.0f} ms."}
    problem = answer.exception()
    if problem is None:
        return answer.result()
    if not isinstance(problem, httpx.HTTPError | ValueError):
        raise problem
    return {"problem": "It does not answer." if isinstance(problem, httpx.HTTPError) else "Its answer makes no sense."}


def _ask(client: httpx.Client, url: str, token: str) -> dict[str, Any]:
    """Return what a relying party says. Raises HTTPError, and ValueError where that makes no sense."""
    began = time.perf_counter()
    with client.stream("GET", f"{url}/api/me", headers={"Authorization": f"Bearer {token}"}) as answer:
        body = b""
        for part in answer.iter_bytes():
            body += part
            if len(body) > LONGEST or time.perf_counter() > began + PATIENCE_SECONDS:
                raise ValueError("too much, or too slow")
    found = httpx.Response(200, content=body).json()
    if not isinstance(found, dict) or any(type(found.get(name)) is not kind for name, kind in _ANSWER.items()):
        raise ValueError("not a verdict")
    return {name: found[name] for name in _ANSWER} | {"milliseconds": (time.perf_counter() - began) * 1000}


@cache
def _client() -> httpx.Client:
    """One for the process: to make one takes longer than to ask. It keeps no connection, and follows no redirect."""
    return httpx.Client(
        timeout=PATIENCE_SECONDS,
        trust_env=False,
        follow_redirects=False,
        limits=httpx.Limits(max_keepalive_connections=0),
    )
