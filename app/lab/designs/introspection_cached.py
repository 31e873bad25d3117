"""Introspection, cached: the verifier asks the issuer, and believes the answer for a minute."""

import json

CARD = {
    "field": "introspection with a cache; RFC 7662, section 4",
    "checker": "the issuer's table",
    "delivery": "poll",
    "token": "opaque",
    "choose": "Choose it when introspection is too slow and a stated minute is acceptable.",
    "avoid": "Not with a cache that has no end, or one that outlives the token.",
}
CACHE = 60  # seconds that an answer is good


class Issuer:
    def __init__(self, world):
        self.world = world
        world.issuer.serve("/introspect", self.introspect)

    def issue(self, person, session):
        token, until = self.world.token(), self.world.expiry()
        self.world.store.put(f"token:{token}", (person, session, until), until)
        return token

    def revoke(self, session):
        self.world.store.put(f"over:{session}", True, self.world.expiry())

    def introspect(self, token):
        person, session, until = self.world.store.get(f"token:{token}") or (None, None, None)
        is_over = person is None or self.world.store.get(f"over:{session}")
        return json.dumps({"active": False} if is_over else {"active": True, "sub": person, "exp": until})


class Verifier:
    def __init__(self, world):
        self.world, self.cache = world, {}

    def check(self, token):
        now = self.world.now()
        if token not in self.cache or now >= self.cache[token][1]:
            said = json.loads(self.world.issuer.fetch("/introspect", token))
            line = said["active"], min(now + CACHE, said.get("exp", now + CACHE))
            self.cache = {name: line for name, line in self.cache.items() if now < line[1]} | {token: line}
        if not self.cache[token][0]:
            raise PermissionError("The issuer said that it is not active.")
