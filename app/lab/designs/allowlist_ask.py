"""Allowlist of token ids: each token carries a random id, which is looked up among those that are good."""

CARD = {
    "field": "UUID in the token (jti), looked up",
    "checker": "allowlist",
    "delivery": "ask",
    "choose": "Choose it where what is unknown must be refused, even if the store has lost its content.",
    "avoid": "Not for its size: it holds every token that is good, a denylist only those that were revoked.",
}


class Issuer:
    def __init__(self, world):
        self.world = world

    def issue(self, person, session):
        jti, until = self.world.token(), self.world.expiry()
        self.world.store.put(f"good:{session}:{jti}", True, until)
        return self.world.sign({"sub": person, "sid": session, "jti": jti, "exp": until})

    def revoke(self, session):
        for jti in self.world.store.names(f"good:{session}:"):
            self.world.store.delete(f"good:{session}:{jti}")


class Verifier:
    def __init__(self, world):
        self.world = world

    def check(self, token):
        claims = self.world.read(token)
        if not self.world.store.get(f"good:{claims['sid']}:{claims['jti']}"):
            raise PermissionError("Its id is not among those that are good.")
