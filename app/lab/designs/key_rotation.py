"""Key rotation: a sign-out everywhere replaces the key, and ends everyone who holds a token."""

import json

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

CARD = {
    "field": "mass revocation; rolling the signing key, OpenID Connect Core 10.1.1",
    "checker": "key",
    "delivery": "poll",
    "choose": "Choose it on the day on which the key or the whole table has leaked: it ends everything, as soon as verifiers have the new key.",
    "avoid": "Not for one person's sign-out: everyone else has to refresh, and verifiers hear of it when they next fetch.",
}
POLL = 60  # seconds


class Issuer:
    def __init__(self, world):
        self.world, self.key = world, world.key
        world.list_server.serve("/keys", lambda: json.dumps([public(self.key)]))

    def issue(self, person, session):
        claims = {"sub": person, "sid": session, "exp": self.world.expiry()}
        return self.world.sign(claims, self.key, {"kid": public(self.key)[:16]})

    def revoke_all(self, person):
        """Replace the key: there is no telling whose tokens it signed."""
        self.key = Ed25519PrivateKey.from_private_bytes(self.world.random(32))


class Verifier:
    def __init__(self, world):
        self.world = world
        world.every(POLL, self.poll)

    def poll(self):
        try:
            self.keys = {key[:16]: key for key in json.loads(self.world.list_server.fetch("/keys"))}
        except ConnectionError:
            pass  # fails open: the key that it has is good to it for ever

    def check(self, token):
        kid = jwt.get_unverified_header(token).get("kid")
        if kid not in self.keys:
            self.poll()  # perhaps it is newer than the last poll
        if kid not in self.keys:
            raise PermissionError("It was signed by a key that has gone.")
        self.world.read(token, Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.keys[kid])))


def public(key):
    return key.public_key().public_bytes_raw().hex()
