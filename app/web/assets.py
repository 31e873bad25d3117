"""Static files, read at the start: under an address that names their content, and compressed once.

A browser keeps such an address for a year. During an update, a node of the old version may be asked for a file of the new
one: it gives what it has, and lets no cache keep it.
"""

import gzip
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

import brotli
from flask import Blueprint, Response, abort, request

from app import context
from app.config import DAY, PROJECT

bp = Blueprint("assets", __name__)
_FOLDER = PROJECT / "static"
_KEPT = f"public, max-age={365 * DAY}, immutable"
_WORTH = 512  # bytes: a smaller file fits its packet anyway
_LETTERS = 16  # of a fingerprint
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".ico": "image/vnd.microsoft.icon",
}
# The parts of each stylesheet, in order: a page has one for the whole site, and those of the lab one more.
SHEETS = {
    "site": ("tokens", "base", "layout", "controls", "state", "lifeline", "rows", "session", "print"),
    "lab": ("lab", "lanes", "path"),
    "board": ("lab", "board"),
    "costs": ("lab", "costs"),
    "hand-out": ("lab", "hand-out"),
}


@dataclass(frozen=True)
class Asset:
    """A file as it is served. *fingerprint*: names its content."""

    content: bytes
    kind: str

    @cached_property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.content).hexdigest()[:_LETTERS]

    def packed(self, encoding: str) -> bytes:
        return self._packed.get(encoding, self.content)

    @cached_property
    def _packed(self) -> dict[str, bytes]:
        """The content in each encoding, the best first. Packed at the first request: commands need none."""
        if len(self.content) < _WORTH:
            return {}
        return {name: pack(self.content) for name, pack in _ENCODINGS.items()}


_ENCODINGS: dict[str, Callable[[bytes], bytes]] = {"br": brotli.compress, "gzip": gzip.compress}


@cache
def files() -> dict[str, Asset]:
    """Return every file by its name, with stylesheets joined."""
    alone = [path for path in _FOLDER.rglob("*") if path.suffix in _TYPES and path.suffix != ".css"]
    found = {path.relative_to(_FOLDER).as_posix(): path.read_bytes() for path in alone}
    found |= {f"{name}.css": _join(parts) for name, parts in SHEETS.items()}
    return {name: Asset(content, _TYPES[Path(name).suffix]) for name, content in found.items()}


def address(name: str) -> str:
    """Return the path of a file's URL."""
    return f"{context.request().script_root}/static/{files()[name].fingerprint}/{name}"


@bp.get(f"/static/<string(length={_LETTERS}):fingerprint>/<path:name>")
@bp.get("/static/<path:name>")
def give(name: str, fingerprint: str = "") -> Response:
    """Return a file in the best encoding that the client accepts. Caches keep it only under its own fingerprint."""
    asset = files().get(name) or abort(404)
    encoding = next((each for each in _ENCODINGS if request.accept_encodings.quality(each)), "")
    content = asset.packed(encoding)
    response = Response(content, content_type=asset.kind)
    response.headers["Vary"] = "Accept-Encoding"
    if content is not asset.content:
        response.headers["Content-Encoding"] = encoding
    if fingerprint == asset.fingerprint:
        response.headers["Cache-Control"] = _KEPT
    return response


def _join(parts: tuple[str, ...]) -> bytes:
    return b"".join((_FOLDER / "css" / f"{part}.css").read_bytes() for part in parts)
