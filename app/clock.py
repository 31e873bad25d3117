"""The only place that asks the time."""

import time
from pathlib import Path

_offset_file: Path | None = None


def now() -> int:
    """Return the time in whole Unix seconds."""
    return int(time.time()) + _offset()


def follow(path: Path | None) -> None:
    """Add the seconds written in the file at *path* to every answer (test controls), or stop doing so."""
    global _offset_file
    _offset_file = path


def _offset() -> int:
    if _offset_file is None or not _offset_file.exists():
        return 0
    return int(_offset_file.read_text())
