"""What this site consists of, and which visitor a request comes from."""

from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Response, current_app, request

from app.relying_party.attempts import SECONDS, Attempts
from app.relying_party.client import Client
from app.relying_party.deliveries import Delivery
from app.relying_party.issuer import Issuer
from app.relying_party.visits import Visit, Visits
from app.relying_party.watch import Watch


@dataclass(frozen=True)
class Guests:
    """The users who sign in here, where this site is registered as a client of the issuer."""

    client: Client
    visits: Visits
    attempts: Attempts
    watch: Watch


@dataclass(frozen=True)
class Party:
    """*url*: the public address of this site."""

    url: str
    issuer: Issuer
    news: Delivery
    guests: Guests | None

    def start(self) -> None:
        """Begin to hear, in the process that answers."""
        self.news.start()
        if self.guests:
            self.guests.watch.start()

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc


def party() -> Party:
    found: Party = current_app.extensions["party"]
    return found


def visit() -> Visit | None:
    """Return the session of this browser, live or lately ended."""
    guests = party().guests
    return guests.visits.find(request.cookies.get(_name("session"), "")) if guests else None


def keep_visit(response: Response, key: str) -> None:
    _keep(response, "session", key, None, "/")


def attempt_key() -> str:
    """Return what shows that this browser has begun to sign in."""
    return request.cookies.get(_name("attempt"), "")


def keep_attempt(response: Response, key: str) -> None:
    _keep(response, "attempt", key, SECONDS, "/callback")


def _keep(response: Response, name: str, value: str, seconds: int | None, path: str) -> None:
    secure = party().url.startswith("https:")
    response.set_cookie(_name(name), value, seconds, path=path, secure=secure, httponly=True, samesite="Lax")


def _name(name: str) -> str:
    """Cookies ignore the port: two of these sites under one host would take each other's."""
    return f"rp-{name}-{urlsplit(party().url).port or 'default'}"
