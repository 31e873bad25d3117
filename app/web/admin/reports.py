"""What an administrator should look into: tokens that came back a second time, and apps that could not be told."""

from typing import Any

from app.identity import activity, users
from app.oauth import clients
from app.oauth.logout import messages

LATEST = 10


def latest() -> dict[str, Any]:
    """Return the latest of these events, and of the messages that were given up or are still being tried, of all users.

    *people* and *apps*: those that are there, and the name of each app, by their ids.
    """
    reused, failed = activity.latest_reuse(LATEST), messages.failed(LATEST)
    people = users.named({event.user_id for event in reused} | {message.user_id for message in failed})
    apps = clients.names(message.client_id for message in failed)
    return {"reused": reused, "failed": failed, "people": people, "apps": apps}
