"""`flask log`: the revocation log checked, proven, and begun again."""

from pathlib import Path

import click
from sqlalchemy import select

from app.cli.plain import Group
from app.crypto import keys
from app.identity import sessions, users
from app.identity.session import Reason
from app.identity.users import User
from app.lab import log as lab_log
from app.revocation import audit, checkpoint, delivery, log
from app.store.db import db, writing
from app.web import words

group = Group("log", help="The revocation log.")


@group.command("verify")
def verify() -> None:
    """Recompute the log's tree from the table, and name the first entry that differs."""
    problem = audit.first_difference()
    if problem:
        raise click.ClickException(problem)
    click.echo(f"All {log.size()} entries are as they were appended.")


@group.command("verify-receipt")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--key", help="The key of the log; without it, that of this site's own database.")
def verify_receipt(file: Path, key: str | None) -> None:
    """Check the proof of a sign-out that a user kept."""
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


@group.command("restore")
@click.confirmation_option(prompt="End every session, and begin a new epoch of the log?")
def restore() -> None:
    """End every session after an older copy of the database was put back. Stop the site first."""
    delivery.check_clock()  # a key signs from a time on
    people = list(db.session.scalars(select(User.id).order_by(User.id)))
    with writing():
        log.begin_epoch()
        lab_log.begin_epoch()
        keys.renew_log_key()
        for person in people:
            users.lock(person)
            sessions.end_all(person, Reason.BY_ADMIN)
        keys.rotate(at_once=True)  # together: a running node that sees the new epoch takes the new keys
    click.echo(f"Every session of {len(people)} accounts is ended, and all keys are new.")
