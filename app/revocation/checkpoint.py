"""Signed heads of the log, and proofs for a user to keep (C2SP: signed-note, tlog-checkpoint, tlog-proof)."""

import base64
import hashlib
import json
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ed25519
from sqlalchemy import LargeBinary, String, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.config import settings
from app.crypto import keys
from app.revocation import log, merkle, tree
from app.revocation.entries import Entry, Kind, Scope
from app.store.db import Model, db, writing

FORMAT = "c2sp.org/tlog-proof@v1"
_ED25519 = b"\x01"


class Checkpoint(Model):
    """A signed head: at *size* entries the tree had this *root*. Kept, so no other root is ever signed for that size."""

    __tablename__ = "log_checkpoints"
    epoch: Mapped[str] = mapped_column(String(32), primary_key=True)
    size: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    root: Mapped[bytes] = mapped_column(LargeBinary(32))
    note: Mapped[str]
    made_at: Mapped[int]


@dataclass(frozen=True)
class Proof:
    """A proof as read from a file: the entry that it discloses, and the head that it leads to."""

    entry: Entry
    origin: str
    size: int
    root: bytes
    inclusion: list[bytes]
    commitment: bytes
    note: str


def latest() -> Checkpoint:
    """Return the signed head of the current log.

    Raises TreeDamaged, and signs nothing, if this log does not continue the last signed head.
    """
    size, epoch = log.head()
    last = db.session.scalar(
        select(Checkpoint).where(Checkpoint.epoch == epoch).order_by(Checkpoint.size.desc()).limit(1)
    )
    if last and last.size == size:
        return last
    root = merkle.root(size, tree.subtree)
    if last and last.size:
        _check_continuation(last, size, root)
    made = Checkpoint(epoch=epoch, size=size, root=root, note=_sign(epoch, size, root), made_at=clock.now())
    with suppress(IntegrityError), writing():  # another process may have signed the same
        db.session.add(made)
    return made


def prove(position: int) -> str:
    """Return a text that proves that the entry at *position* is in the log, with the entry itself.

    Raises TreeDamaged.
    """
    head = latest()
    disclose(position - 1, 1)
    row = db.session.get_one(log.LogEntry, position)
    disclosed = json.dumps({"nonce": row.nonce.hex(), "entry": row.entry().content().decode()})
    path = merkle.inclusion(position - 1, head.size, tree.subtree)
    lines = [FORMAT, f"extra {_text(disclosed.encode())}", f"index {position - 1}", *map(_text, path)]
    return "\n".join(lines) + "\n\n" + head.note


def disclose(start: int, count: int) -> list[bytes]:
    """Return the commitments to *count* entries after the position *start*. Raises TreeDamaged if an entry was changed."""
    found = log.commitments(start, count)
    if [merkle.leaf_hash(one) for one in found] != tree.leaves(start, count):
        raise tree.damaged(f"of the entries {start + 1} to {start + count}, not all are as they were appended")
    return found


def verifier_key() -> str:
    """Return the log's name and public key in the form for verifiers of signed notes."""
    name, public = origin(log.stored_head()[1]), _public(keys.log_key())
    return f"{name}+{_key_id(name, public).hex()}+{_text(_ED25519 + public)}"


def origin(epoch: str) -> str:
    """Return the log's name, made of this site's host and the epoch."""
    return f"{urlsplit(settings().site_url).netloc}/log/{epoch}"


def read(text: str) -> Proof:
    """Read a proof that `prove` wrote. Raises ValueError for anything else."""
    top, _, note = text.partition("\n\n")
    first, extra, index, *path = top.split("\n")
    name, size, root, *_ = note.split("\n")
    if first != FORMAT or not extra.startswith("extra ") or not index.startswith("index "):
        raise ValueError("this is not a proof of this kind")
    disclosed = json.loads(_bytes(extra.removeprefix("extra ")))
    position, kind, scope, *rest = json.loads(disclosed["entry"])
    entry = Entry(position, Kind(kind), Scope(scope), *rest)
    if entry.position - 1 != int(index.removeprefix("index ")):
        raise ValueError("the entry says another position than the proof")
    commitment = entry.commitment(bytes.fromhex(disclosed["nonce"]))
    return Proof(entry, name, int(size), _bytes(root), [_bytes(line) for line in path], commitment, note)


def verify(proof: Proof, key: str) -> None:
    """Check a proof against a verifier key, offline. Raises ValueError with the reason if it is wrong."""
    name, _, encoded = key.split("+", 2)
    public = _bytes(encoded)[1:]
    body, _, signatures = proof.note.partition("\n\n")
    if name != proof.origin or not any(_is_signed(body + "\n", line, name, public) for line in signatures.split("\n")):
        raise ValueError("the head is not signed with this key")
    leaf = merkle.leaf_hash(proof.commitment)
    if merkle.root_by_inclusion(proof.entry.position - 1, proof.size, leaf, proof.inclusion) != proof.root:
        raise ValueError("the entry is not in the log that this head stands for")


def _check_continuation(last: Checkpoint, size: int, root: bytes) -> None:
    if size < last.size:
        raise tree.damaged(f"the log has {size} entries, and a head of {last.size} was signed")
    path = merkle.consistency(last.size, size, tree.subtree)
    if not merkle.is_consistent(last.size, last.root, size, root, path):
        raise tree.damaged(f"the head of {last.size} entries that was signed is not a beginning of the log")


def _sign(epoch: str, size: int, root: bytes) -> str:
    key, name = keys.log_key(), origin(epoch)
    body = f"{name}\n{size}\n{_text(root)}\n"
    signature = _text(_key_id(name, _public(key)) + key.sign(body.encode()))
    return f"{body}\n\u2014 {name} {signature}\n"


def _is_signed(body: str, line: str, name: str, public: bytes) -> bool:
    start = f"\u2014 {name} "
    if not line.startswith(start):
        return False
    signature = _bytes(line.removeprefix(start))
    if signature[:4] != _key_id(name, public):
        return False
    try:
        ed25519.Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], body.encode())
    except InvalidSignature:
        return False
    return True


def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def _public(key: ed25519.Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes_raw()


def _text(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text, validate=True)
