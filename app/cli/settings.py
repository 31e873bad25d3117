"""`flask config`: each setting, as the site reads it."""

import shlex

import click
from flask.cli import with_appcontext

from app import config, context
from app.cli.plain import Command


@click.command("config", cls=Command)
@with_appcontext
def show() -> None:
    """List every setting and its meaning, as a file of environment variables. What has to stay secret is not shown."""
    environ = context.app().extensions["factory"][1]
    for setting in config.SETTINGS:
        click.echo(f"# {setting.meaning}")
        if setting.is_private:
            click.echo(f"# {setting.name}: {'given' if environ.get(setting.name) else 'not given'}\n")
        else:
            click.echo(f"{setting.name}={shlex.quote(setting.text(environ, config.settings()))}\n")
