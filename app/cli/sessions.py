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
    user = person.named(email)
    apps = sessions.apps(user.id)
    known = clients.names(app.client_id for app in apps)
    for session in [*sessions.live(user.id), *apps]:
        click.echo(f"{_times(session)}  {known.get(session.client_id) or session.label}")


@group.command("end")
@click.argument("email")
@click.option("--sid", help="Only this one; without it, all of them.")
def end_sessions(email: str, sid: str | None) -> None:
    """End a user's sessions, on every node, before this command returns."""
    user = person.named(email)
    with writing():
        users.lock(user.id)
        count = _end_one(user, sid) if sid else _end_all(user)
    click.echo(f"{count} ended.")


def _times(session: Standing) -> str:
    return f"{session.id}  since {words.rfc3339(session.began_at)}  seen {words.rfc3339(session.last_seen_at)}"


def _end_one(user: User, sid: str) -> int:
    session = sessions.lock(sid)
    if session is None or session.user_id != user.id:
        raise click.ClickException("This person has no such session.")
    if session.client_id != SITE:
        consent.withdraw(user.id, session.client_id)
    if not session.end(Reason.BY_ADMIN):
        return 0
    activity.record("ended_by_admin", user.id, session)
    return 1


def _end_all(user: User) -> int:
    activity.record("all_ended_by_admin", user.id)
    consent.withdraw_all(user.id)
    return sessions.end_all(user.id, Reason.BY_ADMIN)
