"""DPoP: the token names a key that only the browser has, and each request proves it. A copy alone is worth nothing."""

import hashlib

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

CARD = {
    "name": "Sender-constrained token",
    "field": "DPoP, RFC 9449; as mutual TLS, RFC 8705",
    "checker": "nothing",
    "delivery": "never",
    "present": "token and proof",
    "follows": "RFC 9449 (DPoP): the proof is a small JWT, signed for one request by a key that cannot be read out of the browser.",
    "choose": "Choose it against copies of tokens: what was copied is refused even before the sign-out.",
    "avoid": "Not in place of revocation: the browser itself, or an attacker's script in it, goes on until the token expires.",
}
LIFE, FRESH = 300, 5  # seconds
OPTIONS = {"verify_exp": False, "verify_iat": False}  # by the world's clock, below


class Browser:  # holds a key that it can use and never shows, so no thief copies it
    def __init__(self, world):
        self.world, self.key = world, Ed25519PrivateKey.from_private_bytes(world.random(32))
        self.public = self.key.public_key().public_bytes_raw().hex()

    def prove(self, token):
        """Return the proof to send with *token*: made now, for this token, by this key."""
        claims = {"iat": self.world.now(), "jti": self.world.token(), "ath": hashlib.sha256(token.encode()).hexdigest()}
        return jwt.encode(claims, self.key, "EdDSA")


class Issuer:
    def __init__(self, world):
        self.world = world

    def issue(self, person, session, key):
        claims = {"sub": person, "sid": session, "cnf": key, "exp": self.world.now() + LIFE}
        return jwt.encode(claims, self.world.key, "EdDSA")

    def revoke(self, session):
        """Write nothing: against the browser itself, this design has expiry alone."""


class Verifier:
    def __init__(self, world):
        self.world, self.seen = world, {}

    def check(self, token, proof=""):
        now, claims = self.world.now(), jwt.decode(token, self.world.public_key, ["EdDSA"], OPTIONS)
        if now >= claims["exp"]:
            raise PermissionError("It has expired.")
        if not proof:
            raise PermissionError("No proof came with it that its sender holds the key.")
        key, ath = bytes.fromhex(claims["cnf"]), hashlib.sha256(token.encode()).hexdigest()
        said = jwt.decode(proof, Ed25519PublicKey.from_public_bytes(key), ["EdDSA"], OPTIONS)
        self.seen = {jti: at for jti, at in self.seen.items() if now - at <= FRESH}
        if said["ath"] != ath or said["jti"] in self.seen or abs(now - said["iat"]) > FRESH:
            raise PermissionError("The proof is not for this token, was used before, or is old.")
        self.seen[said["jti"]] = said["iat"]
