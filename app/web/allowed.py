"""What a person has allowed apps, whether these hold anything now or not."""

from dataclasses import dataclass

from app.identity import sessions
from app.identity.lifetime import outlives
from app.identity.session import Session
from app.oauth import client as clients
from app.oauth import consent
from app.web import rows


@dataclass(frozen=True)
class Allowed:
    """One app, by its *name*: what it *knows*, since when (Unix seconds), whether it may outlive the browser, and from
    how many places it is *connected* now."""

    client_id: str
    name: str
    knows: str
    given_at: int
    is_offline: bool
    connected: int


def build(current: Session) -> list[Allowed]:
    """Describe what the user of *current* has allowed, the newest first."""
    given = consent.given(current.user_id)
    names = clients.names(one.client_id for one in given)
    held = [app.client_id for app in sessions.apps(current.user_id)] if given else []
    return [
        Allowed(
            client_id=one.client_id,
            name=names[one.client_id],
            knows=rows.knows(one.scope.split()),
            given_at=one.given_at,
            is_offline=outlives(one.scope),
            connected=held.count(one.client_id),
        )
        for one in given
    ]
