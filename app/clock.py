"""The only place that asks the time."""

import os
import time
from pathlib import Path
from time import clock_gettime

from flask import Flask

_STEADY = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
_offset_file: Path | None = None


def init_app(app: Flask) -> None:
    """Let the test controls of *app* move the time, if it has them."""
    settings = app.extensions["settings"]
    follow(settings.instance_path / "clock" if settings.test_controls else None)


def now() -> int:
    """Return the time in whole Unix seconds."""
    return int(time.time()) + offset()


def steady() -> float:
    """Return seconds that no operator and no test sets, and that also count while the machine sleeps, where it can."""
    return clock_gettime(_STEADY)


def follow(path: Path | None) -> None:
    """Add the seconds written in the file at *path* to every answer (test controls), or stop doing so."""
    global _offset_file
    _offset_file = path


def offset() -> int:
    """Return by how many seconds this clock is ahead of the machine's, or, below 0, behind it."""
    if _offset_file is None or not os.access(_offset_file, os.F_OK):
        return 0
    return int(_offset_file.read_bytes())
