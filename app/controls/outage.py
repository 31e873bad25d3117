"""A store outage on demand: while a file stands in the instance folder, no process reaches the database."""

import os
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import event

from app.config import settings
from app.revocation.delivery import Delivery
from app.revocation.memory import Memory
from app.store.db import StoreUnavailable, db


def init_app(app: Flask) -> None:
    """Let every statement of *app* fail during an outage, and its memory of the log be no answer then either."""
    sign = _sign(settings().instance_path)
    delivery: Delivery = app.extensions["delivery"]
    current = delivery.current

    def check(*_statement: Any) -> None:
        if os.access(sign, os.F_OK):  # for each statement: half as long as Path.exists
            raise StoreUnavailable("an outage was asked for")

    def current_unless_down() -> Memory | None:
        check()  # the followers of the log have separate connections
        return current()

    with app.app_context():
        event.listen(db.engine, "before_cursor_execute", check)
    delivery.current = current_unless_down  # type: ignore[method-assign]


def switch(*, down: bool) -> None:
    """Begin or end the outage, for every process."""
    sign = _sign(settings().instance_path)
    if down:
        sign.touch()
    else:
        sign.unlink(missing_ok=True)


def is_on() -> bool:
    """Return whether the store is down on purpose."""
    return _sign(settings().instance_path).exists()


def _sign(instance: Path) -> Path:
    return instance / "store-is-down"
