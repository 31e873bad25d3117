"""This site as a client of its own authorization server and API: real HTTP requests, in process."""

import contextvars
import json
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode, urlsplit
from wsgiref.types import WSGIApplication, WSGIEnvironment
from wsgiref.util import setup_testing_defaults

from werkzeug.datastructures import Authorization

from app import context
from app.config import settings
from app.identity.bearer import OWN
from app.identity.session import SITE
from app.oauth import metadata
from app.oauth.clients import site_secret
from app.oauth.endpoints import NOTE
from app.serving.reading import Whole
from app.store.db import StoreUnavailable, db, let_go
from app.web import words
from app.web.headers import Write

_SHOWN = ("authorization", "content-type", "retry-after", "www-authenticate", "cache-control")
_FORM = "application/x-www-form-urlencoded"
_SERVER: dict[str, Any] = {"REMOTE_ADDR": "127.0.0.1"}
setup_testing_defaults(_SERVER)  # with what PEP 3333 asks for


@dataclass(frozen=True)
class Exchange:
    """One request and its answer, with secrets shortened wherever they are shown."""

    line: str
    sent: Mapping[str, str]
    form: str
    status: int
    headers: Sequence[tuple[str, str]]
    body: str
    milliseconds: float
    secrets: tuple[str, ...]

    @property
    def error(self) -> str | None:
        """The OAuth error code of the answer, if it has one."""
        try:
            found: str | None = json.loads(self.body).get("error")
            return found
        except ValueError:
            return None

    def describe(self) -> dict[str, Any]:
        """Return both messages as a page shows them."""
        status = f"HTTP/1.1 {self.status} {HTTPStatus(self.status).phrase}"
        return {
            "request": self._message(f"{self.line} HTTP/1.1", self.sent.items(), self.form or None),
            "response": self._message(status, self.headers, self.body.strip()),
            "milliseconds": self.milliseconds,
        }

    def _message(self, line: str, headers: Iterable[tuple[str, str]], body: str | None) -> dict[str, Any]:
        listed = [[name, self._hide(_without_password(value))] for name, value in headers if name.lower() in _SHOWN]
        return {"line": line, "headers": listed, "body": body and self._hide(body)}

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
    return send("GET", f"{settings().site_url}/api/me", bearer=token, secrets=(token,), within={OWN: True})


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
    bearer: str | None = None,
    secrets: tuple[str, ...],
    within: dict[str, Any] | None = None,
) -> Exchange:
    """Send one request. *client*: its id and secret. *within*: what no request from outside can carry."""
    # In process, so that one worker never waits for itself. What the caller holds is let go of first, and the call
    # runs in a separate context: it must not share our transaction, our visitor or our `g`.
    let_go()
    db.session.remove()
    body, sent = (urlencode(form), {"Content-Type": _FORM}) if form else ("", {})
    if client:
        sent["Authorization"] = Authorization("basic", {"username": client[0], "password": client[1]}).to_header()
    elif bearer:
        sent["Authorization"] = f"Bearer {bearer}"
    environ = _environ(method, url, sent, body.encode()) | (within or {})
    began = time.perf_counter()
    status, headers, content = contextvars.Context().run(_ask, context.app().wsgi_app, environ)
    text, took = content.decode(), (time.perf_counter() - began) * 1000
    return Exchange(f"{method} {environ['PATH_INFO']}", sent, body, int(status[:3]), headers, text, took, secrets)


def _ask(app: WSGIApplication, environ: WSGIEnvironment) -> tuple[str, list[tuple[str, str]], bytes]:
    """Return the status, the headers and the body of the answer (PEP 3333)."""
    begun: list[Any] = []

    def begin(*said: Any) -> Write:
        begun[:] = said
        return begun.append  # for applications that write, as ours does not

    parts = app(environ, begin)
    try:
        return begun[0], begun[1], b"".join(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()


def _environ(method: str, url: str, headers: dict[str, str], body: bytes) -> dict[str, Any]:
    """Return the request as a server would hand it to the application."""
    parts = urlsplit(url)
    return _SERVER | {
        "REQUEST_METHOD": method,
        "PATH_INFO": parts.path,
        "HTTP_HOST": parts.netloc,
        "CONTENT_LENGTH": str(len(body)),
        "CONTENT_TYPE": headers.get("Content-Type", ""),
        "HTTP_AUTHORIZATION": headers.get("Authorization", ""),
        "wsgi.url_scheme": parts.scheme,
        "wsgi.input": Whole(body),
        "wsgi.errors": sys.stderr,
    }
