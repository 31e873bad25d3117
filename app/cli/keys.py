"""`flask keys`: new keys for those that sign."""

import click

from app.cli.plain import Group
from app.crypto import keys
from app.revocation import delivery

group = Group("keys", help="Signing keys.")


@group.command("rotate")
@click.option("--at-once", is_flag=True, help="The key was stolen: what it signed is refused from now on.")
def rotate(at_once: bool) -> None:
    """Make new keys for access tokens and ID tokens."""
    delivery.check_clock()  # a key signs from a time on
    access, identity = keys.rotate(at_once=at_once)
    when = "from now on" if at_once else f"in {keys.PUBLISHED_SECONDS // 60} minutes"
    click.echo(f"Key {access} signs {when}. All users stay signed in.\nFor ID tokens: key {identity}.")
