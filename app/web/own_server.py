"""This site as a client of its own authorization server and API: real HTTP requests, in process."""

import contextvars
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import httpx
from flask import current_app

from app.config import settings
from app.identity.bearer import OWN
from app.identity.session import SITE
from app.oauth import metadata
from app.oauth.clients import site_secret
from app.oauth.endpoints import NOTE
from app.store.db import StoreUnavailable, db
from app.web import words

_SHOWN = ("authorization", "content-type", "retry-after", "www-authenticate", "cache-control")


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, with secrets shortened wherever they are shown."""

    request: httpx.Request
    response: httpx.Response
    milliseconds: float
    secrets: tuple[str, ...]

    @property
    def error(self) -> str | None:
        """The OAuth error code of the answer, if it has one."""
        try:
            found: str | None = self.response.json().get("error")
            return found
        except ValueError:
            return None

    def describe(self) -> dict[str, Any]:
        """Return both messages as a page shows them."""
        target = self.request.url.raw_path.decode()
        status = f"HTTP/1.1 {self.response.status_code} {self.response.reason_phrase}"
        return {
            "request": {
                "line": f"{self.request.method} {target} HTTP/1.1",
                "headers": self._headers(self.request.headers.items()),
                "body": self._hide(self.request.content.decode()) or None,
            },
            "response": {
                "line": status,
                "headers": self._headers(self.response.headers.items()),
                "body": self._hide(self.response.text.strip()),
            },
            "milliseconds": self.milliseconds,
        }

    def _headers(self, headers: Iterable[tuple[str, str]]) -> list[list[str]]:
        return [[name.title(), self._hide(_without_password(value))] for name, value in headers if name in _SHOWN]

    def _hide(self, text: str) -> str:
        for secret in self.secrets:
            text = text.replace(secret, words.shorten(secret))
        return text


def revoke(token: str, hint: str, note: Callable[[str], None]) -> Exchange:
    """Send the revocation request of RFC 7009, section 2.1.

    The transaction that ends a session calls *note* with its id, which the answer must not tell (section 2.2).
    """
    form = {"token": token, "token_type_hint": hint}
    return send(
        "POST", _endpoint("revocation_endpoint"), form=form, client=_site(), secrets=(token,), within={NOTE: note}
    )


def refresh(token: str) -> Exchange:
    """Try to exchange a refresh token (RFC 6749, section 6)."""
    form = {"grant_type": "refresh_token", "refresh_token": token}
    return send("POST", _endpoint("token_endpoint"), form=form, client=_site(), secrets=(token,))


def read_me(token: str) -> Exchange:
    """Try an access token at the API (RFC 6750)."""
    bearer = {"Authorization": f"Bearer {token}"}
    return send("GET", f"{settings().site_url}/api/me", headers=bearer, secrets=(token,), within={OWN: True})


def _site() -> tuple[str, str]:
    return SITE, site_secret()


def _endpoint(name: str) -> str:
    """Return its address, from the metadata only (RFC 9700, section 2.6). Raises StoreUnavailable."""
    found: str | None = metadata.describe().get(name)
    if found is None:
        raise StoreUnavailable(f"the metadata name no {name}")
    return found


def _without_password(value: str) -> str:
    return "Basic …" if value.startswith("Basic ") and "realm" not in value else value


def send(
    method: str,
    url: str,
    *,
    form: dict[str, str] | None = None,
    client: tuple[str, str] | None = None,
    headers: dict[str, str] | None = None,
    secrets: tuple[str, ...],
    within: dict[str, Any] | None = None,
) -> Exchange:
    """Send one request. *client*: its id and secret. *within*: what no request from outside can carry."""
    # In process, so that one worker never waits for itself. What the caller holds is let go of first, and the call
    # runs in a separate context: it must not share our transaction, our visitor or our `g`.
    db.session.remove()
    app, more = current_app.wsgi_app, within or {}
    transport = httpx.WSGITransport(app=lambda environ, start: app({**environ, **more}, start))
    request = httpx.Request(method, url, data=form, headers=headers)
    if client:
        request = next(httpx.BasicAuth(*client).auth_flow(request))
    began = time.perf_counter()
    # By its transport: a client would do no more but keep cookies and follow redirects, and takes long to make.
    response = contextvars.Context().run(transport.handle_request, request)
    response.read()
    took = (time.perf_counter() - began) * 1000
    return Exchange(request, response, took, secrets)
