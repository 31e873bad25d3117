"""What the operator does from a shell: `flask log`, `flask keys`, `flask sessions`, `flask users`, `flask purge`, `flask relying-party`."""

import os
import sys
from pathlib import Path
from typing import Any

import click
from flask import Flask
from flask.cli import AppGroup, with_appcontext
from sqlalchemy import CursorResult, Delete, delete, func, select
from werkzeug.datastructures import MultiDict

from app import clock, config, keys
from app.config import DAY, settings
from app.db import db, writing
from app.identity import activity, demo, sessions
from app.identity import password as passwords
from app.identity import user as users
from app.identity.activity import Event
from app.identity.refresh_token import RefreshToken
from app.identity.session import Reason, Session
from app.identity.user import User
from app.revocation import audit, checkpoint, log
from app.web import forms, receipt, words

ENDED_DAYS = 30
ACTIVITY_DAYS = 90

log_group = AppGroup("log", help="The revocation log.")
keys_group = AppGroup("keys", help="Signing keys.")
sessions_group = AppGroup("sessions", help="Sessions of a person.")
users_group = AppGroup("users", help="Accounts.")


def init_app(app: Flask) -> None:
    """Give `flask` the commands of this site."""
    for group in (log_group, keys_group, sessions_group, users_group):
        app.cli.add_command(group)
    app.cli.add_command(purge)
    app.cli.add_command(relying_party)


@log_group.command("verify")
def verify() -> None:
    """Recompute the log's tree from the table, and name the first entry that differs."""
    problem = audit.first_difference()
    if problem:
        raise click.ClickException(problem)
    click.echo(f"All {log.size()} entries are as they were appended.")


@log_group.command("verify-receipt")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", help="The key of the log; without it, that of this site's own database.")
def verify_receipt(file: Path, key: str | None) -> None:
    """Check the proof that somebody kept of a sign-out."""
    try:
        proof = checkpoint.read(file.read_text("utf-8"))
        checkpoint.verify(proof, key or checkpoint.verifier_key())
    except (ValueError, LookupError, TypeError) as problem:
        raise click.ClickException(f"This proves nothing: {problem}.") from problem
    entry = proof.entry
    click.echo(
        f"Proven: the {entry.scope} {entry.subject} was {entry.kind} on {words.day(entry.at)} ({entry.reason})."
        f"\nIt is entry {entry.position} of {proof.size} in {proof.origin}."
    )


@log_group.command("restore")
@click.confirmation_option(prompt="End every session, and begin a new epoch of the log?")
def restore() -> None:
    """After an older copy of the database was put back: nothing signed in since may live on. Stop the site first."""
    people = list(db.session.scalars(select(User.id).order_by(User.id)))
    with writing():
        log.begin_epoch()
        keys.renew_log_key()
        for person in people:
            users.lock(person)
            sessions.end_all(person, Reason.REVOKED)
    keys.rotate(at_once=True)
    click.echo(f"Every session of {len(people)} accounts is ended, and all keys are new.")


@keys_group.command("rotate")
@click.option("--at-once", is_flag=True, help="The key was stolen: what it signed is refused from now on.")
def rotate(at_once: bool) -> None:
    """Make new keys for access tokens and ID tokens."""
    access, identity = keys.rotate(at_once=at_once)
    when = "from now on" if at_once else f"in {keys.PUBLISHED_SECONDS // 60} minutes"
    click.echo(f"Key {access} signs {when}. Nobody is signed out by this.\nFor ID tokens: key {identity}.")


@sessions_group.command("list")
@click.argument("email")
def list_sessions(email: str) -> None:
    """List the live sessions of a person."""
    for session in sessions.live(_person(email).id):
        click.echo(f"{session.id}  since {words.rfc3339(session.began_at)}  seen {words.rfc3339(session.last_seen_at)}")


@sessions_group.command("end")
@click.argument("email")
@click.option("--sid", help="Only this one; without it, all of them.")
def end_sessions(email: str, sid: str | None) -> None:
    """End a person's sessions, on every node, before this command returns."""
    person = _person(email)
    with writing():
        users.lock(person.id)
        count = _end_one(person, sid) if sid else sessions.end_all(person.id, Reason.REVOKED)
        activity.record("session_ended", person.id)
    click.echo(f"{count} ended.")


@users_group.command("add")
@click.argument("email")
@click.option("--name", help="How the pages call this person.")
@click.option("--password-stdin", is_flag=True, required=True, help="Read the password from standard input.")
def add_user(email: str, name: str | None, password_stdin: bool) -> None:
    """Add an account, by the rules of the sign-up page."""
    password = sys.stdin.readline().rstrip("\n")
    form = forms.SignUp(MultiDict({"email": email, "name": name or email.partition("@")[0], "password": password}))
    if not form.validate():
        raise click.ClickException(" ".join(str(found) for errors in form.errors.values() for found in errors))
    hashed = passwords.hash(password)
    with writing():
        if users.sign_up(email, forms.text(form.name), hashed) is None:
            raise click.ClickException("There is an account with this address.")
    click.echo("Added.")


@users_group.command("seed")
def seed_users() -> None:
    """Add the demo accounts of a workshop, or put them back as they were. Everybody knows their password."""
    if not settings().workshop:
        raise click.ClickException(
            "Demo accounts are for workshops: set WORKSHOP=1 first, here and where the site runs."
        )
    demo.seed()
    click.echo("\n".join([*demo.ACCOUNTS, f"Their password: {demo.PASSWORD}"]))


@users_group.command("disable")
@click.argument("email")
def disable_user(email: str) -> None:
    """Close an account: its sessions end, and nobody can sign in to it."""
    person = _person(email)
    with writing():
        users.lock(person.id).disabled_at = clock.now()
        count = sessions.end_all(person.id, Reason.REVOKED)
        activity.record("session_ended", person.id)
    click.echo(f"Disabled; {count} sessions ended.")


@click.command("purge")
@with_appcontext
def purge() -> None:
    """Forget old receipts, sessions that ended 30 days ago, and activity of 90 days ago; entries of the log never."""
    old = clock.now() - ENDED_DAYS * DAY
    with writing():
        ended_at = func.coalesce(log.LogEntry.at, Session.expires_at)
        over = select(Session.id).outerjoin(Session.ending).where(ended_at < old)
        _execute(delete(RefreshToken).where(RefreshToken.session_id.in_(over)))
        gone = _execute(delete(Session).where(Session.id.in_(over)))
        receipts = _execute(delete(receipt.Receipt).where(receipt.Receipt.made_at < clock.now() - receipt.SECONDS))
        events = _execute(delete(Event).where(Event.at < clock.now() - ACTIVITY_DAYS * DAY))
    click.echo(f"{gone} sessions, {events} events and {receipts} receipts forgotten.")


@click.command("relying-party", add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def relying_party(options: tuple[str, ...]) -> None:
    """A second site, which takes the lab's tokens; `flask relying-party --help` says how to start it."""
    # In place of this process, which has the database open and knows the secrets: that one is to know an address.
    kept = {name: value for name, value in os.environ.items() if name not in config.SECRETS}
    command = [sys.executable, "-m", "app.relying_party", *options]
    os.chdir(config.PROJECT)
    os.execve(sys.executable, command, kept)  # noqa: S606 - no shell, and our own program


def _execute(statement: Delete) -> int:
    done: CursorResult[Any] = db.session.execute(statement, execution_options={"synchronize_session": False})  # type: ignore[assignment]
    return done.rowcount


def _person(email: str) -> User:
    found = users.find(email)
    if found is None:
        raise click.ClickException("There is no account with this address.")
    return found


def _end_one(person: User, sid: str) -> int:
    session = sessions.lock(sid)
    if session is None or session.user_id != person.id:
        raise click.ClickException("This person has no such session.")
    return int(session.end(Reason.REVOKED))
