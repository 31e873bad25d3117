"""The apps that may know a user: by a consent, or by a session that outlives a withdrawn one."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from app.identity import sessions
from app.identity.lifetime import outlives
from app.identity.session import Standing
from app.oauth import clients, consent
from app.web import session_list


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


def build(user_id: str) -> list[Allowed]:
    """Describe each app that may know of this user, the newest first.

    The devices page ends one session of an app and withdraws the consent; the app's other sessions go on.
    """
    given = {one.client_id: one for one in consent.given(user_id)}
    held: defaultdict[str, list[Standing]] = defaultdict(list)
    for app in sessions.apps(user_id):
        held[app.client_id].append(app)
    names = clients.names([*given, *held])
    found = [_describe(client_id, name, given.get(client_id), held[client_id]) for client_id, name in names.items()]
    return sorted(found, key=lambda app: (-app.given_at, app.client_id))


def count(user_id: str, held: Iterable[Standing]) -> int:
    """Return how many apps may know of this user, who has given them the sessions *held*."""
    return len({one.client_id for one in consent.given(user_id)} | {app.client_id for app in held})


def _describe(client_id: str, name: str, given: consent.Given | None, held: list[Standing]) -> Allowed:
    scope = " ".join(one.scope for one in (given, *held) if one)
    return Allowed(
        client_id=client_id,
        name=name,
        knows=session_list.knows(dict.fromkeys(scope.split())),
        given_at=given.given_at if given else min(app.began_at for app in held),
        is_offline=outlives(scope),
        connected=len(held),
    )
