"""Sender-constrained token: it names a key that only the browser has, and each request proves it. A copy alone is worth nothing."""

import hashlib

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

CARD = {
    "field": "DPoP, RFC 9449; as mutual TLS, RFC 8705",
    "checker": "nothing",
    "delivery": "never",
    "present": "The token, and a proof that only its owner’s browser can make",
    "sent": '-H "DPoP: $PROOF"',
    "choose": "Choose it against copies of tokens: what was copied is refused even before the sign-out.",
    "avoid": "Not in place of revocation: the browser itself, or an attacker's script in it, goes on until the token expires.",
}
FRESH = 5  # seconds


class Browser:  # holds a key that it can use and never shows, so no thief copies it
    def __init__(self, world):
        self.world, self.key = world, Ed25519PrivateKey.from_private_bytes(world.random(32))
        self.public = self.key.public_key().public_bytes_raw().hex()

    def prove(self, token):
        """Return the proof to send with *token*: made now, for this token, by this key. RFC 9449 adds the method and address."""
        return self.world.sign({"iat": self.world.now(), "jti": self.world.token(), "ath": digest(token)}, self.key)


class Proofs:
    def __init__(self, world):
        self.world, self.seen = world, {}

    def check_proof(self, key, token, proof=""):
        if not proof:
            raise PermissionError("No proof came with it that its sender holds the key.")
        now, said = self.world.now(), self.world.verify(proof, Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)))
        self.seen = {jti: at for jti, at in self.seen.items() if now - at <= FRESH}
        if said["ath"] != digest(token) or said["jti"] in self.seen or abs(now - said["iat"]) > FRESH:
            raise PermissionError("The proof is not for this token, was used before, or is old.")
        self.seen[said["jti"]] = said["iat"]


class Issuer(Proofs):
    def issue(self, person, session, key):
        return self.world.sign({"sub": person, "sid": session, "cnf": key, "exp": self.world.expiry()})

    def revoke(self, session):
        """Write nothing: against the browser itself, this design has expiry alone."""


class Verifier(Proofs):
    def check(self, token, proof=""):
        self.check_proof(self.world.read(token)["cnf"], token, proof)


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()
