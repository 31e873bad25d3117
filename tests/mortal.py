"""The site, of which a worker is killed right after a commit: the file `die` in its folder says after how many of a form."""

import os
import runpy
import signal
from pathlib import Path

from flask import has_request_context, request

from app.store import db

_commit = db.Transaction.commit


def _die(transaction: db.Transaction) -> None:
    _commit(transaction)
    if has_request_context() and request.method == "POST":
        _count(Path(os.environ["INSTANCE_PATH"]) / "die")


def _count(file: Path) -> None:
    left = int(file.read_text()) - 1 if file.exists() else None
    if left == 0:
        file.unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    elif left:
        file.write_text(str(left))


db.Transaction.commit = _die  # type: ignore[method-assign]
runpy.run_path("app.py", run_name="__main__")
