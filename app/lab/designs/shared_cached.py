"""Shared store, cached and told: the verifier remembers what it looked up, and a message empties that line."""

CARD = {
    "field": "cache with pub/sub invalidation; as Redis client-side caching",
    "checker": "denylist",
    "delivery": "poll",
    "choose": "Choose it where a look-up for each request is too dear, and a lost message may cost a stated minute.",
    "avoid": "Not without the end of each line: a message that is lost would leave it for ever.",
}
CACHE = 60  # seconds: what a lost message costs at most


class Issuer:
    def __init__(self, world):
        self.world = world

    def issue(self, person, session):
        return self.world.sign({"sub": person, "sid": session, "exp": self.world.expiry()})

    def revoke(self, session):
        self.world.store.put(f"over:{session}", True, self.world.expiry())
        self.world.channel.publish(session)


class Verifier:
    def __init__(self, world):
        self.world, self.cache = world, {}
        world.channel.subscribe(lambda session: self.cache.pop(session, None))

    def check(self, token):
        claims = self.world.read(token)
        if self._is_over(claims["sid"]):
            raise PermissionError("Its session is on the list.")

    def _is_over(self, session):
        now = self.world.now()
        if session not in self.cache or now >= self.cache[session][1]:
            found = self.world.store.get(f"over:{session}"), now + CACHE
            self.cache = {name: line for name, line in self.cache.items() if now < line[1]} | {session: found}
        return self.cache[session][0]
