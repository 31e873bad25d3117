"""The log as a Merkle tree, over the entries that are there too."""

import hashlib
import json
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_FIELDS = "position, kind, scope, subject, opened, until, at, reason, actor"


def upgrade() -> None:
    leaves = op.create_table(
        "log_leaves",
        sa.Column("position", Number, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    tiles = op.create_table(
        "log_tiles",
        sa.Column("level", Number, primary_key=True, autoincrement=False),
        sa.Column("index", Number, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.LargeBinary(32), nullable=False),
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("epoch", sa.String(32), primary_key=True),
        sa.Column("size", Number, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("note", sa.String, nullable=False),
        sa.Column("made_at", Number, nullable=False),
    )
    hashes = [_leaf(bytes(nonce), list(fields)) for nonce, *fields in _entries()]
    if hashes:
        op.bulk_insert(leaves, [{"position": at, "hash": found} for at, found in enumerate(hashes, 1)])
    level = 1
    while len(hashes) >= 256:
        hashes = [_over(hashes[start : start + 256]) for start in range(0, len(hashes) - 255, 256)]
        op.bulk_insert(tiles, [{"level": level, "index": at, "hash": found} for at, found in enumerate(hashes)])
        level += 1


def _entries() -> list[Any]:
    return list(op.get_bind().execute(sa.text(f"SELECT nonce, {_FIELDS} FROM log_entries ORDER BY position")))


def _leaf(nonce: bytes, fields: list[object]) -> bytes:
    content = json.dumps(fields, separators=(",", ":")).encode()
    return hashlib.sha256(b"\x00" + hashlib.sha256(nonce + content).digest()).digest()


def _over(hashes: list[bytes]) -> bytes:
    while len(hashes) > 1:
        hashes = [
            hashlib.sha256(b"\x01" + left + right).digest()
            for left, right in zip(hashes[::2], hashes[1::2], strict=True)
        ]
    return hashes[0]
