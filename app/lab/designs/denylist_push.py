"""Denylist, pushed: the issuer tells the verifier of each session that is over, and the verifier keeps the list in memory."""

CARD = {
    "field": "denylist in memory; subscription, as in Shared Signals",
    "checker": "denylist",
    "delivery": "push",
    "choose": "Choose it for speed, with something that notices what was missed: a position, a lease, a poll.",
    "avoid": "Not as it stands here: it cannot tell silence from peace.",
}


class Issuer:
    def __init__(self, world):
        self.world = world

    def issue(self, person, session):
        return self.world.sign({"sub": person, "sid": session, "exp": self.world.expiry()})

    def revoke(self, session):
        """Tell the verifiers that listen now. A message that is lost stays lost."""
        self.world.channel.publish(session)


class Verifier:
    def __init__(self, world):
        self.world, self.over = world, {}
        world.channel.subscribe(self.hear)

    def hear(self, session):
        now = self.world.now()
        self.over = {name: until for name, until in self.over.items() if now < until} | {session: self.world.expiry()}

    def check(self, token):
        claims = self.world.read(token)
        if claims["sid"] in self.over:
            raise PermissionError("It was told that the session is over.")
