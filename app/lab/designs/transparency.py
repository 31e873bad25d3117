"""Transparency log: revocations are leaves of a Merkle tree, and each list comes with a signed head that must match."""

import hashlib
import json

CARD = {
    "field": "as Certificate Transparency, RFC 6962, but of revocations",
    "checker": "denylist",
    "delivery": "poll",
    "choose": "Choose it where the issuer itself has to be checked: verifiers that compare its signed heads find two logs.",
    "avoid": "Not against an entry that no verifier was shown: only a person with a receipt can notice that.",
}
POLL, TRUSTED = 60, 2  # seconds; polls for which a head is trusted


class Issuer:
    def __init__(self, world):
        self.world, self.entries = world, []  # every revocation ever; none is changed, and none goes
        world.list_server.serve("/log", lambda after: json.dumps({"new": self.entries[after:], "head": self.head()}))

    def issue(self, person, session):
        return self.world.sign({"sub": person, "sid": session, "exp": self.world.expiry()})

    def revoke(self, session):
        self.entries.append(session)

    def head(self):
        """Sign how long the log is, and its root. After a sign-out this is the person's receipt, too."""
        head = {"size": len(self.entries), "root": tree(self.entries).hex(), "exp": self.world.now() + TRUSTED * POLL}
        return self.world.sign(head)


class Verifier:
    """*entries*: every revocation that the issuer has shown it; *heard*: heads that the issuer showed to others; *lie*: two of them contradict."""

    def __init__(self, world):
        self.world, self.entries, self.until, self.heard, self.lie = world, [], 0, [], False
        world.peers.subscribe(self.hear)
        world.every(POLL, self.poll)

    def poll(self):
        try:
            news = json.loads(self.world.list_server.fetch("/log", len(self.entries)))
        except ConnectionError:
            return
        self.entries, self.until = self.entries + news["new"], self.world.verify(news["head"])["exp"]
        self.hear(news["head"])
        self.world.peers.publish(news["head"])

    def hear(self, head):
        """Keep a head: the verifier's own, another's, or the receipt of a person who has signed out."""
        said = self.world.verify(head)
        self.heard.append({name: said[name] for name in ("size", "root", "exp")})
        self.lie = self.lie or any(self.contradicts(**heard) for heard in self.heard)
        self.heard = [heard for heard in self.heard if heard["size"] > len(self.entries)]

    def contradicts(self, size, root, exp):
        """Of two heads, the later is at least as long, and the longer begins with all of the shorter."""
        longer = len(self.entries) - size
        return longer * (exp - self.until) > 0 or (longer >= 0 and root != tree(self.entries[:size]).hex())

    def check(self, token, receipt=""):
        claims = self.world.read(token)
        if receipt:
            self.hear(receipt)
        if self.lie:
            raise ConnectionError("The issuer signed two heads that contradict each other.")
        if self.world.now() >= self.until:
            raise ConnectionError("The last head of the log is too old.")
        if claims["sid"] in self.entries:
            raise PermissionError("Its session is in the log.")


def tree(entries):
    """Return the root of the Merkle tree over *entries* (RFC 6962, section 2.1)."""
    if len(entries) < 2:
        return hashlib.sha256(b"\0" + entries[0].encode() if entries else b"").digest()
    middle = 1 << (len(entries) - 1).bit_length() - 1
    return hashlib.sha256(b"\1" + tree(entries[:middle]) + tree(entries[middle:])).digest()
