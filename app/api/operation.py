"""Endpoints for monitors: liveness, readiness, metrics."""

from flask import Flask, Response
from flask.typing import ResponseReturnValue

from app import context
from app.machines import Machines
from app.revocation import delivery
from app.store.db import StoreUnavailable
from app.telemetry import metrics

bp = Machines("operation", __name__)


def init_app(app: Flask) -> None:
    """Add the endpoints."""
    app.register_blueprint(bp)


@bp.get("/healthz")
def healthz() -> ResponseReturnValue:
    """Answer that the process lives."""
    return {"status": "ok"}


@bp.get("/readyz")
def readyz() -> ResponseReturnValue:
    """Answer whether this process can verify and write; if not, 503 and the reason."""
    try:
        reason = delivery.reason_not_ready()
    except StoreUnavailable as problem:
        context.app().logger.warning("not ready: %s", problem)
        reason = "the database does not answer, or cannot be written"
    return ({"status": "not ready", "reason": reason}, 503) if reason else {"status": "ready"}


@bp.get("/metrics")
def read_metrics() -> Response:
    """Report counts of this machine, and how far every node is behind, in the text format of Prometheus."""
    return Response(metrics.text() + _state(), content_type=metrics.TYPE)


def _state() -> bytes:
    lines = []
    lease = delivery.lease_age()
    if lease is not None:
        lines += ["# TYPE signed_out_lease_age_seconds gauge", f"signed_out_lease_age_seconds {lease:.3f}"]
    try:
        behind = delivery.entries_behind()
    except StoreUnavailable:
        behind = {}
    if behind:
        lines += ["# TYPE signed_out_entries_behind gauge"]
        lines += [f'signed_out_entries_behind{{node="{node}"}} {count}' for node, count in behind.items()]
    return "".join(f"{line}\n" for line in lines).encode()
