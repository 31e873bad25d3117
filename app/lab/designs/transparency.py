"""Transparency log: revocations are leaves of a Merkle tree, and each list comes with a signed head that must match."""

import hashlib
import json

import jwt

CARD = {
    "name": "Transparency log",
    "field": "as Certificate Transparency",
    "checker": "denylist",
    "delivery": "poll",
    "token": "JWT",
    "follows": "RFC 6962 (Certificate Transparency), tlog-checkpoint: an append-only log with signed heads.",
    "choose": "Choose it where the issuer itself has to be checked: whoever keeps its heads can show that it rewrote the log.",
    "avoid": "Not as a check of its own: it proves what was said, and says nothing sooner.",
}
LIFE = 300
OPTIONS = {"verify_exp": False, "verify_iat": False}  # by the world's clock, below
POLL, TRUSTED = 60, 120  # seconds


class Issuer:
    """*entries*: every revocation ever; none is changed, and none goes."""

    def __init__(self, world):
        self.world, self.entries = world, []
        world.list_server.serve("/log", self.log)

    def issue(self, person, session):
        claims = {"sub": person, "sid": session, "exp": self.world.now() + LIFE}
        return jwt.encode(claims, self.world.key, "EdDSA")

    def revoke(self, session):
        self.entries.append(session)

    def log(self, after):
        head = {"size": len(self.entries), "root": root(self.entries).hex(), "exp": self.world.now() + TRUSTED}
        return json.dumps({"new": self.entries[after:], "head": jwt.encode(head, self.world.key, "EdDSA")})


class Verifier:
    """*entries*: all that it has ever been told; a head that does not follow from them convicts the issuer."""

    def __init__(self, world):
        self.world, self.entries, self.until, self.lie = world, [], 0, None
        self.poll()
        world.every(POLL, self.poll)

    def poll(self):
        try:
            told = json.loads(self.world.list_server.fetch("/log", len(self.entries)))
        except ConnectionError:
            return
        head = jwt.decode(told["head"], self.world.public_key, ["EdDSA"], OPTIONS)
        entries = self.entries + told["new"]
        if (head["size"], head["root"]) != (len(entries), root(entries).hex()):
            self.lie = told["head"]  # signed by the issuer: show it to others
        else:
            self.entries, self.until = entries, head["exp"]

    def check(self, token):
        claims = jwt.decode(token, self.world.public_key, ["EdDSA"], OPTIONS)
        if self.world.now() >= claims["exp"]:
            raise PermissionError("It has expired.")
        if self.lie or self.world.now() >= self.until:
            raise ConnectionError("The head of the log is too old, or contradicts what it said before.")
        if claims["sid"] in self.entries:
            raise PermissionError("Its session is in the log.")


def root(entries):
    """Return the root of the Merkle tree over *entries* (RFC 6962, section 2.1)."""
    if len(entries) < 2:
        return hashlib.sha256(b"\0" + entries[0].encode() if entries else b"").digest()
    middle = 1 << (len(entries) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + root(entries[:middle]) + root(entries[middle:])).digest()
