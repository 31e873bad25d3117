"""A session, of a browser or of an app, as the devices page shows it."""

from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from typing import Any, NamedTuple

from app import clock
from app.identity import browsers, chains, proof
from app.identity import sessions as users_sessions
from app.identity.lifetime import State
from app.identity.session import SITE, Reason, Standing
from app.network import countries
from app.network.countries import Country
from app.oauth import clients
from app.web import lifeline, words

_KNOWN = {"profile": "your name", "email": "your email address"}


def knows(scopes: Collection[str]) -> str:
    """Return what an app with these scopes may know about its user."""
    return " and ".join(_KNOWN[scope] for scope in scopes if scope in _KNOWN) or "only that it is you"


class ListedSession(NamedTuple):
    """One line of the list. Times are Unix seconds; *ended_by* is in words, *actor* the id of the session that asked.

    *amr*: how its user had proved who they are (RFC 8176). *app*: its name, where the session is an app's; *parent*: the browser session that it hangs on; *scopes*: what it may
    know. *is_bound*: whether a copy of its cookies is worth nothing on another device, or of an app's refresh token without its key.
    """

    id: str
    current: bool
    name: str | None
    label: str
    browser: str
    os: str
    kind: str
    address: str
    country: Country | None
    began_at: int
    last_seen_at: int
    ends_at: int
    ended_at: int | None
    ended_by: str | None
    actor: str | None
    reason: str | None
    state: str
    keep: bool
    app: str | None
    parent: str | None
    scopes: tuple[str, ...]
    amr: tuple[str, ...] | None
    proof: str | None
    is_bound: bool

    @property
    def title(self) -> str:
        """Its name, app or label."""
        return self.name or self.app or self.label

    @property
    def ended_with_browser(self) -> bool:
        """Whether it is an app's that ended with the browser it hung on: pages list it there."""
        return self.reason == Reason.BROWSER_ENDED

    @property
    def where(self) -> str:
        """Its address, and the country beside it where that is known."""
        return f"{self.address}, {self.country.name}" if self.country else self.address

    @property
    def knows(self) -> str:
        """What the app may know about the user."""
        return knows(self.scopes)


def build(sessions: Iterable[Standing], current: Standing) -> list[ListedSession]:
    """Describe each of one person's sessions, as seen from *current*."""
    listed = {session.id: session for session in sessions}
    apps = clients.names(session.client_id for session in listed.values() if session.client_id != SITE)
    known = listed | _actors(listed)
    keyed = chains.bound([session.id for session in listed.values() if session.client_id != SITE])
    return [_row(session, current, known, apps, keyed) for session in listed.values()]


def tell_apart(listed: Sequence[ListedSession]) -> dict[str, str]:
    """Return a name for each row by its id: if two share a title, it says when and where each began."""
    count = Counter(row.title for row in listed)
    return {row.id: row.title if count[row.title] == 1 else called_apart(row) for row in listed}


def called_apart(row: ListedSession) -> str:
    """Return a name that tells this row from others with its title."""
    return f"{row.title}, signed in {words.day(row.began_at)}, {row.where}"


def in_common(listed: Sequence[ListedSession]) -> dict[str, str]:
    """Return the facts that several rows share, so that a page says them once."""
    found = {name: {getattr(row, name) for row in listed} for name in ("where", "proof")}
    return {name: said.pop() for name, said in found.items() if len(said) == 1 < len(listed) and None not in said}


def as_json(row: ListedSession) -> dict[str, Any]:
    """Return the row as `GET /devices` gives it to programs: times in RFC 3339, UTC."""
    fields = {
        name: value
        for name, value in row._asdict().items()
        if name in ("current", "name", "browser", "os", "address", "reason", "app", "amr")
    }
    ended_at = row.ended_at and words.rfc3339(row.ended_at)
    return fields | {
        "sid": row.id,
        "bound": row.is_bound,
        "country": row.country.code if row.country else None,
        "began_at": words.rfc3339(row.began_at),
        "last_seen_at": words.rfc3339(row.last_seen_at),
        "expires_at": words.rfc3339(row.ends_at),
        "ended_at": ended_at,
        "ended_by": row.actor,
    }


def _actors(listed: dict[str, Standing]) -> dict[str, Standing]:
    """Return the sessions from which the person ended some of these, unless they are among them. An administrator's
    are not told."""
    found = {session.ending.actor for session in listed.values() if session.ending and session.ending.actor}
    missing = found - listed.keys()
    owner = next(iter(listed.values())).user_id if missing else ""
    return {actor.id: actor for actor in users_sessions.named(owner, missing)} if missing else {}


def _row(
    session: Standing, current: Standing, known: dict[str, Standing], apps: dict[str, str], keyed: Collection[str]
) -> ListedSession:
    about = browsers.describe(session.user_agent)
    actor = session.ending.actor if session.ending else None
    return ListedSession(
        id=session.id,
        current=session.id == current.id,
        name=session.name,
        label=about.label,
        browser=about.browser,
        os=about.os,
        kind=about.kind,
        address=session.address,
        country=countries.find(session.address),
        began_at=session.began_at,
        last_seen_at=session.last_seen_at,
        ends_at=session.ends_at,
        ended_at=session.ended_at,
        ended_by=_who(actor, session, current, known),
        actor=actor,
        reason=session.reason,
        state=_state(session),
        keep=session.keep,
        app=apps.get(session.client_id),
        parent=session.parent_id if session.holder else None,
        scopes=tuple(session.scope.split()),
        amr=proof.published(session.amr),
        proof=words.proof(session.amr),
        is_bound=session.bound_at is not None or session.id in keyed,
    )


def _who(actor: str | None, session: Standing, current: Standing, known: dict[str, Standing]) -> str | None:
    if actor is None or actor == session.id:
        return None
    other = known.get(actor)
    if actor == current.id or (other and other.origin == current.origin):
        return "this browser"
    return other.label if other else None


def _state(session: Standing) -> str:
    now = clock.now()
    return lifeline.state(session.began_at, session.ends_at, now) if session.state(now) is State.LIVE else "ended"
