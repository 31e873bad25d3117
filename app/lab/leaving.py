"""How a run's session comes to its end: the browser forgets, time passes, or the server revokes."""

from app.lab import issuer
from app.lab.run import Run, Way


def leave(run: Run, way: Way) -> None:
    """End the laptop's session in this way. Must run inside `db.writing`. Raises Unwritten, and then nothing has ended."""
    if way is Way.EXPIRY:
        run.offset += max(0, run.laptop.access_until - issuer.now(run))
    elif way is not Way.CLIENT:
        issuer.end(run, way)
    run.ended_at, run.ended_by, run.held = issuer.now(run), way.value, None
