"""A site of two paths behind the worker: `/live` waits until its file is there, and any other answers at once.

The worker's loop turns when something happens, and else once an hour.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from app.serving import worker
from app.serving.worker import Buffered

worker.TURN_SECONDS = 3600


class Worker(Buffered):
    polls = frozenset({"/live"})
    pollers = 2


def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
    while environ["PATH_INFO"] == "/live" and not Path(os.environ["GATE"]).exists():
        time.sleep(0.01)
    start_response("200 OK", [("Content-Length", "2")])
    return [b"ok"]
