"""Token version in the user's row: each sign-out counts it up, and a token with an older one is refused."""

CARD = {
    "field": "tokenVersion; security stamp, session hash",
    "checker": "version",
    "delivery": "ask",
    "choose": "Choose it where each request reads the user's row anyhow: then it costs nothing.",
    "avoid": "Not for the sign-out of one device, and not with a refresh that hands out the new version unasked.",
}


class Issuer:
    def __init__(self, world):
        self.world = world

    def issue(self, person, session):
        version = self.world.store.get(f"version:{person}") or 0
        return self.world.sign({"sub": person, "sid": session, "ver": version, "exp": self.world.expiry()})

    def revoke_all(self, person):
        self.world.store.increment(f"version:{person}")


class Verifier:
    def __init__(self, world):
        self.world = world

    def check(self, token):
        claims = self.world.read(token)
        if claims["ver"] != (self.world.store.get(f"version:{claims['sub']}") or 0):
            raise PermissionError("The user's row has a newer version.")
