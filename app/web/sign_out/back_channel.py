"""The logout messages of an end (OpenID Connect Back-Channel Logout): their state, in words."""

import time
from collections.abc import Collection
from dataclasses import dataclass

from app import clock
from app.config import settings
from app.identity.session import Standing
from app.oauth import clients
from app.oauth.logout import messages
from app.oauth.logout.messages import Message
from app.store.db import let_go
from app.web import words

REFUSED = "HTTP 400"
LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class LogoutNotice:
    """*app*: its name; *at*: since when that is so (Unix seconds); *state* and *how*, in words; *title*: all in one. *is_waiting*: it may
    change soon."""

    app: str
    at: int
    state: str
    how: str
    title: str
    is_waiting: bool = False


def ids(ended: Standing, apps: Collection[Standing]) -> list[str]:
    """Return the ids of the messages about the end of *ended* to *apps*: those that ended too, or outlive it."""
    entries = {ended.ended_entry, *(app.ended_entry for app in apps)}
    return [message.id for message in messages.about({app.id for app in apps}) if message.entry in entries]


def wait(message_ids: Collection[str]) -> None:
    """Wait until each of these messages was sent once, for as long as Sign Out waits for nodes at the most.

    Holds no connection meanwhile. Raises StoreUnavailable.
    """
    last = time.monotonic() + settings().max_staleness_seconds
    while not messages.are_tried(message_ids) and time.monotonic() < last:
        let_go()
        time.sleep(LOOK_SECONDS)


def show(message_ids: Collection[str]) -> list[LogoutNotice]:
    """Describe these messages."""
    return describe(messages.by_id(message_ids))


def describe(messages: Collection[Message]) -> list[LogoutNotice]:
    """Describe each of the messages *found*."""
    apps = clients.names(message.client_id for message in messages)
    return [_describe(message, apps[message.client_id]) for message in messages]


def _describe(message: Message, app: str) -> LogoutNotice:
    over, nth = "that its session is over", f"at the {words.ordinal(message.attempts)} try"
    if message.delivered_at is not None:
        how = f"it answered after {message.milliseconds} ms" + (f", {nth}" if message.attempts > 1 else "")
        return LogoutNotice(app, message.delivered_at, "told", how, f"{app} was told {over}")
    if message.given_up_at is not None:
        state = "refused" if message.answer == REFUSED else "given up"
        return LogoutNotice(
            app, message.given_up_at, state, f"{message.answer} {nth}", f"{app} could not be told {over}"
        )
    return LogoutNotice(app, message.made_at, "not reached yet", _waiting(message), f"{app} is being told {over}", True)


def _waiting(message: Message) -> str:
    if not message.attempts or message.next_at is None:
        return "the first try is under way"
    return f"{message.answer}, next try {words.until(message.next_at, clock.now())}"
