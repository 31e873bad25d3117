"""Global logout time, by position: one number for each person, and a session that opened at or before it is over."""

CARD = {
    "field": "one cut-off per user; ASVS 7.4.1, with positions in place of dates",
    "checker": "cut-off",
    "delivery": "ask",
    "choose": "Choose it for “sign out everywhere”, a changed password, a disabled account: one row for each person.",
    "avoid": "Not for the sign-out of one device: it ends every session of the person.",
}


class Issuer:
    def __init__(self, world):
        self.world = world

    def issue(self, person, session):
        """Name the position at which the session opened: a refresh does not change it."""
        store = self.world.store
        opened = store.get(f"opened:{session}") or store.increment("position")
        store.put(f"opened:{session}", opened)
        return self.world.sign({"sub": person, "sid": session, "opened": opened, "exp": self.world.expiry()})

    def revoke_all(self, person):
        """Take the next position: a sign-in in this very second opens after it."""
        self.world.store.put(f"cut:{person}", self.world.store.increment("position"), self.world.expiry())


class Verifier:
    def __init__(self, world):
        self.world = world

    def check(self, token):
        claims = self.world.read(token)
        if claims["opened"] <= (self.world.store.get(f"cut:{claims['sub']}") or 0):
            raise PermissionError("Its session opened before the person's cut-off.")
