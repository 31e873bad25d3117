"""Status list: each token has a place in a signed, compressed list of bits, which is fetched each minute."""

import base64
import zlib

import jwt

CARD = {
    "name": "Status list",
    "field": "Token Status List; as a CRL for certificates",
    "checker": "status list",
    "delivery": "poll",
    "token": "JWT",
    "follows": "Token Status List (IETF draft): a signed, compressed list of bits. For certificates, a CRL.",
    "choose": "Choose it for verifiers who must not tell the issuer whom they see, and for very many of them.",
    "avoid": "Not where a minute is too long: the list is as old as its time to live says.",
}
LIFE = 300
OPTIONS = {"verify_exp": False, "verify_iat": False}  # by the world's clock, below
POLL, TRUSTED = 60, 120  # seconds
PLACES = 1 << 12


class Issuer:
    def __init__(self, world):
        self.world, self.bits = world, bytearray(PLACES // 8)
        world.list_server.serve("/statuses", self.statuses)

    def issue(self, person, session):
        place = self.world.store.get(f"place:{session}") or self.world.store.increment("places")
        self.world.store.put(f"place:{session}", place)
        claims = {"sub": person, "exp": self.world.now() + LIFE, "status": {"status_list": {"idx": place}}}
        return jwt.encode(claims, self.world.key, "EdDSA")

    def revoke(self, session):
        place = self.world.store.get(f"place:{session}")
        self.bits[place // 8] |= 1 << place % 8

    def statuses(self):
        packed = base64.b64encode(zlib.compress(bytes(self.bits))).decode()
        claims = {"exp": self.world.now() + TRUSTED, "status_list": {"bits": 1, "lst": packed}}
        return jwt.encode(claims, self.world.key, "EdDSA")


class Verifier:
    def __init__(self, world):
        self.world = world
        self.poll()
        world.every(POLL, self.poll)

    def poll(self):
        try:
            told = self.world.list_server.fetch("/statuses")
        except ConnectionError:
            return  # it goes on with what it has, until that is too old
        claims = jwt.decode(told, self.world.public_key, ["EdDSA"], OPTIONS)
        self.until, self.bits = claims["exp"], zlib.decompress(base64.b64decode(claims["status_list"]["lst"]))

    def check(self, token):
        claims = jwt.decode(token, self.world.public_key, ["EdDSA"], OPTIONS)
        if self.world.now() >= claims["exp"]:
            raise PermissionError("It has expired.")
        if self.world.now() >= self.until:
            raise ConnectionError("The last list is too old to be trusted.")
        place = claims["status"]["status_list"]["idx"]
        if self.bits[place // 8] & 1 << place % 8:
            raise PermissionError("Its bit is set in the list.")
