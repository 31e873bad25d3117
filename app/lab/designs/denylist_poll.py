"""Denylist, polled: the verifier downloads the list each minute, and decides from its copy."""

CARD = {
    "checker": "denylist",
    "delivery": "poll",
    "choose": "Choose it where requests are many and a stated delay is acceptable.",
    "avoid": "Not without an age at which an old list is no longer trusted: this one has none, and fails open.",
}
POLL = 60  # seconds


class Issuer:
    def __init__(self, world):
        self.world = world
        world.list_server.serve("/over", lambda: " ".join(world.store.names("over:")))

    def issue(self, person, session):
        return self.world.sign({"sub": person, "sid": session, "exp": self.world.expiry()})

    def revoke(self, session):
        """Name the session; the line may go when its last token expires."""
        self.world.store.put(f"over:{session}", True, self.world.expiry())


class Verifier:
    def __init__(self, world):
        self.world, self.over = world, set()
        world.every(POLL, self.poll)

    def poll(self):
        try:
            self.over = set(self.world.list_server.fetch("/over").split())
        except ConnectionError:
            pass  # fails open: it goes on with what it has, however old

    def check(self, token):
        claims = self.world.read(token)
        if claims["sid"] in self.over:
            raise PermissionError("Its session is on the list.")
