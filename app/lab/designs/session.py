"""Opaque session: the token is a random name, and the verifier looks its session up at each request."""

CARD = {
    "field": "server-side session",
    "checker": "session row",
    "delivery": "ask",
    "token": "opaque",
    "choose": "Choose it for one site with one database: nothing is simpler, and nothing is more exact.",
    "avoid": "Not where verifiers are far from the database, or belong to another company.",
}


class Issuer:
    def __init__(self, world):
        self.world = world

    def issue(self, person, session):
        token, until = self.world.token(), self.world.expiry()
        self.world.store.put(f"token:{token}", session, until)
        self.world.store.put(f"live:{session}", person, until)
        return token

    def revoke(self, session):
        self.world.store.delete(f"live:{session}")


class Verifier:
    def __init__(self, world):
        self.store = world.store

    def check(self, token):
        session = self.store.get(f"token:{token}")
        if not session:
            raise PermissionError("No such token, or it has expired.")
        if not self.store.get(f"live:{session}"):
            raise PermissionError("Its session is over.")
