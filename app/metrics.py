"""What is counted for the operator, over all processes of a machine."""

import atexit
import os
import shutil
import tempfile

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def share_between_processes() -> None:
    """Before the library is imported: it decides then where it counts. Workers inherit the folder by the fork."""
    folder, owner = tempfile.mkdtemp(prefix="signed-out-metrics-"), os.getpid()
    os.environ[_FOLDER] = folder
    atexit.register(_remove, folder, owner)


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


if _FOLDER not in os.environ:
    share_between_processes()

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead  # noqa: E402

TYPE = "text/plain; version=0.0.4; charset=utf-8"
_own = CollectorRegistry()

refusals = Counter("signed_out_refusals", "Access tokens not accepted, by reason.", ["reason"], registry=_own)
events = Counter("signed_out_security_events", "Security events, by name.", ["event"], registry=_own)
unconfirmed = Counter(
    "signed_out_unconfirmed_nodes", "Nodes that had to be waited out because they did not confirm.", registry=_own
)
logouts = Counter(
    "signed_out_logout_messages",
    "Attempts to tell an app that a session is over, by outcome.",
    ["outcome"],
    registry=_own,
)
confirmation = Histogram(
    "signed_out_confirmation_seconds",
    "How long answers waited until every node had confirmed a revocation.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
    registry=_own,
)


def text() -> bytes:
    """Return what all processes of this machine have counted, in the text format of Prometheus."""
    everybody = CollectorRegistry()
    MultiProcessCollector(everybody)
    return generate_latest(everybody)


def forget(pid: int) -> None:
    """Let go of what only a living process may report."""
    mark_process_dead(pid)
