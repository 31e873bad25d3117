"""The user that a command is about."""

import click

from app.identity import emails, users
from app.identity.users import User


def named(email: str) -> User:
    """Return the account of this address; stop with one line if there is none."""
    try:
        emails.check_readable(email)
        user = users.find(email)
        if user is None:
            emails.check_visible(email)
    except ValueError as problem:
        raise click.ClickException(str(problem)) from problem
    if user is None:
        raise click.ClickException("There is no account with this address.")
    return user
