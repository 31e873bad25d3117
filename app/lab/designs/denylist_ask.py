"""Denylist in a shared store: one key in Redis for each session that is over, which leaves by itself."""

import os

import redis

CARD = {
    "field": "denylist in Redis",
    "checker": "denylist",
    "delivery": "ask",
    "choose": "Choose it to add revocation to signed tokens without touching those who issue them.",
    "avoid": "Not if the list can lose its content: what it forgets is accepted again.",
}


def connect(world):
    return world.redis or redis.Redis.from_url(os.environ.get("REDIS_URL", "redis://localhost"), socket_timeout=0.2)


class Issuer:
    def __init__(self, world):
        self.world, self.redis = world, connect(world)

    def issue(self, person, session):
        return self.world.sign({"sub": person, "sid": session, "exp": self.world.expiry()})

    def revoke(self, session):
        """Name the session, so that no list of issued tokens is needed; it may go when its last token expires."""
        self.redis.set(f"over:{session}", 1, ex=self.world.life)


class Verifier:
    def __init__(self, world):
        self.world, self.redis = world, connect(world)

    def check(self, token):
        claims = self.world.read(token)
        try:
            is_over = self.redis.exists(f"over:{claims['sid']}")
        except redis.RedisError as silence:  # fails closed: to pass over it would be to accept
            raise ConnectionError("Redis does not answer.") from silence
        if is_over:
            raise PermissionError("Its session is on the list.")
