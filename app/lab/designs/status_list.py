"""Status list: each token has a place in a signed, compressed list of bits, which is fetched each minute."""

import base64
import zlib

CARD = {
    "field": "Token Status List; as a CRL for certificates",
    "checker": "status list",
    "delivery": "poll",
    "choose": "Choose it for verifiers who must not tell the issuer whom they see, and for very many of them.",
    "avoid": "Not where a minute is too long: the list is as old as its time to live says.",
}
POLL, TRUSTED = 60, 2  # seconds; polls for which a list is trusted


class Issuer:
    def __init__(self, world):
        self.world, self.bits = world, 0
        world.list_server.serve("/statuses", self.statuses)

    def issue(self, person, session):
        place = self.world.store.get(f"place:{session}") or self.world.store.increment("places")
        self.world.store.put(f"place:{session}", place)
        return self.world.sign({"sub": person, "exp": self.world.expiry(), "status": {"status_list": {"idx": place}}})

    def revoke(self, session):
        self.bits |= 1 << self.world.store.get(f"place:{session}")

    def statuses(self):
        lst = base64.urlsafe_b64encode(zlib.compress(self.bits.to_bytes(512, "little"))).decode()  # 4,096 places
        return self.world.sign({"exp": self.world.now() + TRUSTED * POLL, "status_list": {"bits": 1, "lst": lst}})


class Verifier:
    def __init__(self, world):
        self.world = world
        world.every(POLL, self.poll)

    def poll(self):
        try:
            token = self.world.read(self.world.list_server.fetch("/statuses"))
            bits = zlib.decompress(base64.urlsafe_b64decode(token["status_list"]["lst"]))
            self.until, self.bits, self.places = token["exp"], int.from_bytes(bits, "little"), 8 * len(bits)
        except ConnectionError:
            pass  # it keeps the old list until that expires

    def check(self, token):
        claims = self.world.read(token)
        if self.world.now() >= self.until:
            raise ConnectionError("The last list is too old to be trusted.")
        place = claims["status"]["status_list"]["idx"]
        if not 0 <= place < self.places:
            raise PermissionError("It has no place in the list.")
        if self.bits >> place & 1:
            raise PermissionError("Its bit is set in the list.")
