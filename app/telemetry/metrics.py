"""The operator's metrics, over all processes of a machine."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_FOLDER = "PROMETHEUS_MULTIPROC_DIR"
_ROOM = 1 << 16  # bytes of each file; the names and counts below take less than a fifth
_has_room_in = 0  # the process that has its files


def share_between_processes() -> None:
    """Before the library is imported: it decides then where it counts. Workers inherit the folder by the fork."""
    try:
        folder, owner = tempfile.mkdtemp(prefix="signed-out-metrics-"), os.getpid()
    except OSError:
        return
    os.environ[_FOLDER] = folder
    atexit.register(_remove, folder, owner)


def _remove(folder: str, owner: int) -> None:
    if os.getpid() == owner:
        shutil.rmtree(folder, ignore_errors=True)


def _has_room() -> bool:
    """Return whether this process can count without a risk.

    The library maps files that have holes. On a full disk the first count would kill the process with SIGBUS, so each
    process writes its files whole before it counts.
    """
    global _has_room_in
    pid = os.getpid()
    if _has_room_in != pid and _FOLDER in os.environ:
        folder = Path(os.environ[_FOLDER])
        try:
            folder.mkdir(mode=0o700, exist_ok=True)  # some systems clear old temporary folders away
            for kind in ("counter", "histogram"):
                _write_whole(folder / f"{kind}_{pid}.db")
        except OSError:
            return False
        _has_room_in = pid
    return True


def _write_whole(file: Path) -> None:
    """Make *file*, unless it is there. A reader of the folder never finds half of one."""
    if file.exists():
        return
    half = file.with_suffix(".half")
    try:
        half.write_bytes(bytes(_ROOM))
        half.rename(file)
    finally:
        half.unlink(missing_ok=True)


if _FOLDER not in os.environ:
    share_between_processes()
if not _has_room():
    del os.environ[_FOLDER]  # this process counts for itself alone

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest  # noqa: E402
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead  # noqa: E402

TYPE = "text/plain; version=0.0.4; charset=utf-8"
_own = CollectorRegistry()

_refusals = Counter("signed_out_refusals", "Access tokens not accepted, by reason.", ["reason"], registry=_own)
_events = Counter("signed_out_security_events", "Security events, by name.", ["event"], registry=_own)
_unconfirmed = Counter(
    "signed_out_unconfirmed_nodes", "Nodes that had to be waited out because they did not confirm.", registry=_own
)
_logouts = Counter(
    "signed_out_logout_messages",
    "Attempts to tell an app that a session is over, by outcome.",
    ["outcome"],
    registry=_own,
)
_mails = Counter(
    "signed_out_mails", "Attempts to bring a mail to the mail server, by outcome.", ["outcome"], registry=_own
)
_confirmation = Histogram(
    "signed_out_confirmation_seconds",
    "How long answers waited until every node had confirmed a revocation.",
    buckets=(0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5),
    registry=_own,
)


def count_event(name: str) -> None:
    if _has_room():
        _events.labels(name).inc()


def count_refusal(reason: str) -> None:
    if _has_room():
        _refusals.labels(reason).inc()


def count_logout(outcome: str) -> None:
    if _has_room():
        _logouts.labels(outcome).inc()


def count_mail(outcome: str) -> None:
    if _has_room():
        _mails.labels(outcome).inc()


def count_confirmation(seconds: float, missing: int) -> None:
    """Count a wait for the nodes, and how many of them did not confirm."""
    if _has_room():
        _confirmation.observe(seconds)
        _unconfirmed.inc(missing)


def text() -> bytes:
    """Return the counts of all processes of this machine, in the text format of Prometheus."""
    if not os.path.isdir(os.environ.get(_FOLDER, "")):
        return generate_latest(_own)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    return generate_latest(registry)


def forget(pid: int) -> None:
    """Drop the values that only a live process may report."""
    if _FOLDER in os.environ:
        mark_process_dead(pid)
