"""The revocation log for monitors: signed heads and tiles (C2SP tlog-tiles). Entries are commitments, and name no person."""

import re

from flask import Response, abort

from app.capacity import admission
from app.machines import Machines
from app.revocation import checkpoint, log, tree
from app.revocation.tree import WIDTH

bp = Machines("log", __name__, url_prefix="/log", beneath=("/log/",))
_FOREVER = "public, max-age=31536000, immutable"
_INDEX = re.compile(r"((?:x\d{3}/)*\d{3})(?:\.p/([1-9]\d{0,2}))?")


@bp.get("/checkpoint")
def head() -> Response:
    with admission.turn("proofs"):
        note = checkpoint.latest().note
    return _answer(note.encode(), "text/plain; charset=utf-8", "public, max-age=1")


@bp.get("/key")
def key() -> Response:
    """The public key with which heads are signed, as a verifier key of signed notes."""
    return _answer(f"{checkpoint.verifier_key()}\n".encode(), "text/plain; charset=utf-8", "public, max-age=60")


@bp.get("/tile/<int:level>/<path:name>")
def hashes(level: int, name: str) -> Response:
    index, width = _tile(level, name)
    with admission.turn("proofs"):
        content = b"".join(tree.tile(level, index, width))
    return _answer(content, "application/octet-stream", _FOREVER)


@bp.get("/tile/entries/<path:name>")
def entries(name: str) -> Response:
    index, width = _tile(0, name)
    with admission.turn("proofs"):
        content = b"".join(len(found).to_bytes(2) + found for found in checkpoint.disclose(index * WIDTH, width))
    return _answer(content, "application/octet-stream", _FOREVER)


def _tile(level: int, name: str) -> tuple[int, int]:
    """Read the name of a tile: its index, and how many hashes of it are asked for. 404 for more than there are."""
    found = _INDEX.fullmatch(name)
    if not found or level > 7:
        abort(404)
    index, width = int(found[1].replace("/", "").replace("x", "")), int(found[2] or WIDTH)
    if found[2] == str(WIDTH) or index * WIDTH + width > log.size() >> level * tree.HEIGHT:
        abort(404)
    return index, width


def _answer(content: bytes, kind: str, cache: str) -> Response:
    return Response(content, content_type=kind, headers={"Cache-Control": cache, "Access-Control-Allow-Origin": "*"})
