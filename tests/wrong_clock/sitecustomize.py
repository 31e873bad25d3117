"""A Python whose clock is wrong: by the seconds in the file that WRONG_CLOCK names, whenever it is asked."""

import os
import time
from pathlib import Path

_right = time.time


def _wrong() -> float:
    try:
        return _right() + float(Path(os.environ["WRONG_CLOCK"]).read_text())
    except (OSError, ValueError):
        return _right()


time.time = _wrong
