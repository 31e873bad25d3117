"""`flask sessions`: list and end a user's sessions."""

import click

from app.cli import person
from app.cli.plain import Group
from app.identity import activity, sessions, users
from app.identity.session import SITE, Reason, Standing
from app.identity.users import User
from app.oauth import clients, consent
from app.revocation import delivery
from app.store.db import writing
from app.web import words

group = Group("sessions", help="Sessions of a person.")


@group.command("list")
@click.argument("email")
def list_sessions(email: str) -> None:
    """List the live sessions of a user: browsers, then apps."""
    delivery.check_ready()
    found = person.named(email)
    apps = sessions.apps(found.id)
    known = clients.names(app.client_id for app in apps)
    for session in [*sessions.live(found.id), *apps]:
        click.echo(f"{_times(session)}  {known.get(session.client_id) or session.label}")


@group.command("end")
@click.argument("email")
@click.option("--sid", help="Only this one; without it, all of them.")
def end_sessions(email: str, sid: str | None) -> None:
    """End a user's sessions, on every node, before this command returns."""
    found = person.named(email)
    with writing():
        users.lock(found.id)
        count = _end_one(found, sid) if sid else _end_all(found)
    click.echo(f"{count} ended.")


def _times(session: Standing) -> str:
    return f"{session.id}  since {words.rfc3339(session.began_at)}  seen {words.rfc3339(session.last_seen_at)}"


def _end_one(found: User, sid: str) -> int:
    session = sessions.lock(sid)
    if session is None or session.user_id != found.id:
        raise click.ClickException("This person has no such session.")
    if session.client_id != SITE:
        consent.withdraw(found.id, session.client_id)
    if not session.end(Reason.BY_ADMIN):
        return 0
    activity.record("ended_by_admin", found.id, session)
    return 1


def _end_all(found: User) -> int:
    activity.record("all_ended_by_admin", found.id)
    consent.withdraw_all(found.id)
    return sessions.end_all(found.id, Reason.BY_ADMIN)
