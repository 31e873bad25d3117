"""`flask relying-party`: a second site, in a process of its own."""

import os
import sys

import click

from app import config


@click.command("relying-party", add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def relying_party(options: tuple[str, ...]) -> None:
    """A second site, which takes the lab's tokens; `flask relying-party --help` says how to start it."""
    # In place of this process, which has the database open and knows the secrets: that one is to know an address.
    kept = {name: value for name, value in os.environ.items() if name not in config.SECRETS}
    command = [sys.executable, "-m", "app.relying_party", *options]
    os.chdir(config.PROJECT)
    os.execve(sys.executable, command, kept)  # noqa: S606 - no shell, and our own program
