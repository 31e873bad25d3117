"""The requests of a test to any client library."""

from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

SCOPE = "openid profile email"


@dataclass(frozen=True)
class App:
    """All that an app knows of the site: its address, and what came of registering there. A public one has no secret."""

    issuer: str
    id: str
    secret: str | None
    redirect_uri: str


class Refused(Exception):
    """The site has said no, by this error code."""


class InProcess:
    """The common part of two libraries that send requests themselves: their session adds the access token."""

    _app: App
    _session: Any
    _site: dict[str, Any]

    def userinfo(self) -> dict[str, Any]:
        found: dict[str, Any] = self._session.get(self._site["userinfo_endpoint"]).json()
        return found

    def call_api(self) -> int:
        return int(self._session.get(f"{self._app.issuer}/api/me").status_code)


class Library(Protocol):
    """An app that stands on a library, about one person. It checks what the library can check."""

    def ask(self) -> str:
        """Discover the site; return the address to which the person is sent."""

    def arrive(self, callback: str) -> dict[str, Any]:
        """Exchange the code; return the claims of the ID token, which is checked. Raises Refused."""

    def userinfo(self) -> dict[str, Any]:
        """Ask for the user's claims."""

    def call_api(self) -> int:
        """Use the access token; return the status."""

    def refresh(self) -> None:
        """Exchange the refresh token for a new pair. Raises Refused."""

    def is_active(self) -> bool:
        """Ask the site whether the access token is good."""

    def revoke(self) -> None:
        """Give the refresh token back."""

    def close(self) -> None: ...


def check(callback: str) -> None:
    """Raise Refused if the person comes back with an error. Some libraries leave that to the app."""
    error = parse_qs(urlsplit(callback).query).get("error")
    if error:
        raise Refused(error[0])
