"""The clock of the whole site, moved: the file that every process follows."""

import fcntl
from pathlib import Path

from app import clock
from app.config import DAY, settings

FARTHEST = 10 * 365 * DAY


def move(seconds: int) -> None:
    """Move the clock on, or back; never farther than ten years from the machine's."""
    with (settings().instance_path / ".clock.lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # two moves at once both count
        _write(max(-FARTHEST, min(clock.offset() + seconds, FARTHEST)))


def put_back() -> None:
    """Return the site to the machine's time."""
    _file().unlink(missing_ok=True)


def _write(seconds: int) -> None:
    draft = _file().with_name(".clock.draft")
    draft.write_text(str(seconds))
    draft.replace(_file())  # a reader never finds it half written


def _file() -> Path:
    return settings().instance_path / "clock"
