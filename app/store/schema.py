"""The tables, as migrations have made them."""

from pathlib import Path

from flask import Flask
from flask_migrate import Migrate, upgrade
from sqlalchemy import inspect, text

from app.config import Misconfigured
from app.store.db import StoreUnavailable, analyze, db, store

_SCRIPTS = Path(__file__).parent.parent / "migrations"
_KNOWN = sorted(path.stem.partition("_")[0] for path in (_SCRIPTS / "versions").glob("*.py"))


def init_app(app: Flask) -> None:
    """Bring the database of *app* up to the newest migration: one process does it, others wait."""
    Migrate(app, db, directory=str(_SCRIPTS))
    try:
        _upgrade()
    except OSError as problem:
        raise StoreUnavailable(str(problem)) from problem
    finally:
        db.session.remove()
        db.engine.dispose()  # connections made from here on have time limits again


def _upgrade() -> None:
    store().prepare()
    if not _is_newest():
        with store().migrating():
            db.engine.dispose()  # connections made from here on have no time limits
            if not _is_newest():
                upgrade()
                analyze()


def _is_newest() -> bool:
    """Return whether there is nothing to migrate. Raises Misconfigured if the database is newer than the code."""
    if not inspect(db.engine).has_table("alembic_version"):
        return False
    found = db.session.scalar(text("SELECT version_num FROM alembic_version"))
    db.session.rollback()
    if found is not None and found not in _KNOWN:
        raise Misconfigured(
            f"DATABASE_URL: {store().name} is of version {found}, and this code knows versions up to {_KNOWN[-1]}: "
            "run the newer code, or put back a backup from before the upgrade."
        )
    return bool(found == _KNOWN[-1])
