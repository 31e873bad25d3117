"""What an administrator should look into: tokens that came back a second time, and apps that could not be told."""

from dataclasses import dataclass

from app.identity import activity, browsers, users
from app.identity.users import User
from app.oauth import clients
from app.oauth.logout import messages

LATEST = 10
REUSE = ("refresh_reused", "refresh_interrupted", "code_reused")


@dataclass(frozen=True)
class Reused:
    """A user's token came back. *event* is a code, *at* in Unix seconds."""

    user: User | None
    event: str
    at: int
    label: str | None
    address: str | None


@dataclass(frozen=True)
class Failed:
    """An app was not told of a sign-out. *answer*: what it said last; *given_up*: it will not be tried again."""

    user: User | None
    app: str
    at: int
    attempts: int
    answer: str | None
    given_up: bool


def reuse() -> list[Reused]:
    """Return the latest of these events, of all users."""
    events = activity.latest_of(REUSE, LATEST)
    people = users.named(event.user_id for event in events)
    return [
        Reused(
            people.get(event.user_id),
            event.event,
            event.at,
            browsers.label(event.user_agent),
            event.address,
        )
        for event in events
    ]


def failed_deliveries() -> list[Failed]:
    """Return the latest messages that did not arrive: those that were given up, and those still being tried again."""
    found = messages.failed(LATEST)
    people = users.named(message.user_id for message in found)
    apps = clients.names(message.client_id for message in found)
    return [
        Failed(
            people.get(message.user_id),
            apps[message.client_id],
            message.made_at,
            message.attempts,
            message.answer,
            message.given_up_at is not None,
        )
        for message in found
    ]
