"""Device-bound session: a token counts only beside a bound cookie, which lives five minutes, and which only the browser's key renews."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

CARD = {
    "field": "DBSC, a draft of the W3C, in Chrome on Windows",
    "checker": "nothing",
    "delivery": "never",
    "present": "The token, and a bound cookie, which only its owner’s browser can renew",
    "sent": '-b "bound=$PROOF"',
    "choose": "Choose it against copied cookies: without the key, all of them together are good for minutes, not for the session.",
    "avoid": "Not in place of sign-out: until the bound cookie ends a copy is good, and malware on the device can use the key.",
}
BOUND, FRESH = 300, 10  # seconds: of a bound cookie, a challenge


class Browser:  # holds a key that it can use and never shows (Ed25519 in place of ES256); its cookies can all be copied
    def __init__(self, world):
        self.world, self.cookie, self.until = world, "", 0
        self.key = Ed25519PrivateKey.from_private_bytes(world.random(32))
        self.public = self.key.public_key().public_bytes_raw().hex()

    def prove(self, token):
        if self.world.now() >= self.until:  # the bound cookie has run out
            proof = self.world.sign({"jti": self.world.issuer.fetch("/session/refresh", self.public)}, self.key)
            self.cookie = self.world.issuer.fetch("/session/refresh", self.public, proof)
            self.until = self.world.now() + BOUND
        return self.cookie


class Verifier:
    def __init__(self, world):
        self.world = world
        world.issuer.serve("/session/refresh", self.refresh)

    def check(self, token, cookie=""):
        self.check_proof(self.world.read(token)["cnf"], token, cookie)

    def check_proof(self, key, token, cookie=""):
        if not cookie or self.world.read(cookie).get("bound") != key:
            raise PermissionError("No bound cookie of its session came with it.")

    def refresh(self, key, proof=""):
        """Answer with a challenge; once the key has signed that, with a bound cookie."""
        if not proof:
            return self.world.sign({"challenge": key, "exp": self.world.now() + FRESH})
        said = self.world.verify(proof, Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)))
        if self.world.read(said["jti"]).get("challenge") != key:
            raise PermissionError("This is no challenge for the key.")
        return self.world.sign({"bound": key, "exp": self.world.now() + BOUND})


class Issuer(Verifier):  # at a refresh of the tokens it asks for the bound cookie, too
    def issue(self, person, session, key):
        return self.world.sign({"sub": person, "sid": session, "cnf": key, "exp": self.world.expiry()})

    def revoke(self, session):
        """Write nothing: what was issued ends by itself, and nothing more is."""
