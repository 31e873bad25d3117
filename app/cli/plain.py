"""Commands that report a failure in one line."""

from typing import Any

import click
from flask.cli import AppGroup

from app.revocation.clocks import ClockApart
from app.revocation.tree import TreeDamaged
from app.revocation.witness import LogCut
from app.store.db import StoreUnavailable


class Command(click.Command):
    """A command that reports an unusable database, a cut log and a wrong clock as `click` reports a wrong option."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (LogCut, TreeDamaged, ClockApart) as problem:
            raise click.ClickException(f"{problem}.") from problem
        except StoreUnavailable as problem:
            said = " ".join(str(problem).split())
            raise click.ClickException(
                f"The database: {said}. What was finished before stays so. Run the command again."
            ) from problem


class Group(Command, AppGroup):
    """A group of commands."""
