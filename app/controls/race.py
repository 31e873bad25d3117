"""A race on demand: several exchanges of a refresh token wait for each other, in all processes."""

import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path

from flask import Flask

from app.config import settings
from app.controls.asked import BadValue
from app.store.db import is_writing, let_go

PATIENCE_SECONDS = 5
MOST_REFRESHES = 32  # a held request keeps a thread


def init_app(app: Flask) -> None:
    """Put a gate into *app* that each exchange passes."""
    app.extensions["race"] = _pass


def force(refreshes: int) -> None:
    """Hold the next *refreshes* exchanges until all of them have come, or for five seconds. Raises BadValue."""
    if not 2 <= refreshes <= MOST_REFRESHES:
        raise BadValue(f"refreshes: send a number from 2 to {MOST_REFRESHES}.")
    call_off()
    draft = Path(tempfile.mkdtemp(dir=settings().instance_path))
    for number in range(refreshes):
        (draft / str(number)).touch()
    draft.rename(_places())  # all places appear at once: a process that found a few would take them for all


def missing() -> int:
    """Return how many exchanges the race still waits for."""
    return len(_free())


def call_off() -> None:
    """Release the exchanges that wait, and stop holding any."""
    shutil.rmtree(_places(), ignore_errors=True)


def _pass() -> None:
    if is_writing():
        return  # under a lock: the others could not come
    if not any(map(_take, _free())):
        return
    let_go()
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _free():
        if time.monotonic() > deadline:
            call_off()
        time.sleep(0.002)


def _take(place: Path) -> bool:
    """Take a place in the race. Only one of several that try succeeds."""
    try:
        place.unlink()
    except FileNotFoundError:
        return False
    return True


def _free() -> list[Path]:
    with suppress(FileNotFoundError):
        return list(_places().iterdir())
    return []


def _places() -> Path:
    return settings().instance_path / "race"
