"""The operator's commands: one module for each group."""

from flask import Flask

from app.cli import clients, keys, log, mail, purge, relying_party, sessions, settings, users

_COMMANDS = (
    clients.group,
    users.group,
    sessions.group,
    keys.group,
    log.group,
    mail.group,
    purge.purge,
    relying_party.relying_party,
    settings.show,
)


def init_app(app: Flask) -> None:
    """Give `flask` the commands of this site."""
    for command in _COMMANDS:
        app.cli.add_command(command)
