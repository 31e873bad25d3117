"""The tables, as migrations have made them."""

import fcntl
from pathlib import Path

from flask import Flask
from flask_migrate import Migrate, upgrade
from sqlalchemy import inspect, text

from app.config import Misconfigured, Settings
from app.db import StoreUnavailable, db

_SCRIPTS = Path(__file__).parent / "migrations"
_NEWEST = max(path.stem.partition("_")[0] for path in (_SCRIPTS / "versions").glob("*.py"))


def init_app(app: Flask, settings: Settings) -> None:
    """Bring the database of *app* up to the newest migration: one process does it, others wait."""
    Migrate(app, db, directory=str(_SCRIPTS))
    with app.app_context():
        try:
            settings.database.touch(mode=0o600)
            if _version() != _NEWEST:
                _upgrade(settings.instance / ".migrating")
        except (StoreUnavailable, OSError) as problem:
            raise Misconfigured(f"DATABASE_URL: {settings.database} cannot be used ({problem}).") from problem
        finally:
            db.session.remove()
            db.engine.dispose()  # a worker forked from here must not share a connection


def _upgrade(lock: Path) -> None:
    with lock.open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if _version() != _NEWEST:
            with db.engine.connect() as connection:
                # Kept in the file from now on. Readers then never wait for a writer.
                connection.connection.execute("PRAGMA journal_mode=WAL")
            upgrade()


def _version() -> str | None:
    if not inspect(db.engine).has_table("alembic_version"):
        return None
    found: str | None = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    db.session.rollback()
    return found
