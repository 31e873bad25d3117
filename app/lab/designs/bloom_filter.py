"""Bloom filter: the sessions that are over, as a few bits each, fetched each minute; it errs by refusing."""

import hashlib

CARD = {
    "field": "approximate denylist; CRLite began as a cascade of such filters",
    "checker": "filter",
    "delivery": "poll",
    "choose": "Choose it for long lists at many small verifiers, with a look-up for people whom the filter refuses.",
    "avoid": "Not alone: it refuses people who never signed out, the more of them the fuller it is.",
}
POLL = 60  # seconds
BITS, HASHES = 1 << 10, 4


class Issuer:
    def __init__(self, world):
        self.world = world
        world.list_server.serve("/filter", self.filter)

    def issue(self, person, session):
        return self.world.sign({"sub": person, "sid": session, "exp": self.world.expiry()})

    def revoke(self, session):
        """Name the session; the line may go when its last token expires."""
        self.world.store.put(f"over:{session}", True, self.world.expiry())

    def filter(self):
        places = {place for session in self.world.store.names("over:") for place in places_of(session)}
        return sum(1 << place for place in places).to_bytes(BITS // 8)


class Verifier:
    def __init__(self, world):
        self.world, self.bits = world, 0
        world.every(POLL, self.poll)

    def poll(self):
        try:
            self.bits = int.from_bytes(self.world.list_server.fetch("/filter"))
        except ConnectionError:
            pass  # fails open, as every list without an age

    def check(self, token):
        claims = self.world.read(token)
        if all(self.bits >> place & 1 for place in places_of(claims["sid"])):
            raise PermissionError("All of its bits are set in the filter.")


def places_of(session):
    digest = hashlib.sha256(session.encode()).digest()
    return [int.from_bytes(digest[2 * n : 2 * n + 2]) % BITS for n in range(HASHES)]
