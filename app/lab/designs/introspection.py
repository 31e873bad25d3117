"""Introspection: the token is opaque, and the verifier asks the issuer about it at each request."""

import json

CARD = {
    "field": "RFC 7662; as OCSP for certificates",
    "checker": "the issuer's table",
    "delivery": "ask",
    "token": "opaque",
    "choose": "Choose it where tokens are opaque on purpose, or verifiers should keep nothing.",
    "avoid": "Not where a round trip for each request is too dear, or the issuer's failure must not stop every service.",
}


class Issuer:
    def __init__(self, world):
        self.world = world
        world.issuer.serve("/introspect", self.introspect)

    def issue(self, person, session):
        token = self.world.token()
        self.world.store.put(f"token:{token}", (person, session), self.world.expiry())
        return token

    def revoke(self, session):
        self.world.store.put(f"over:{session}", True, self.world.expiry())

    def introspect(self, token):
        person, session = self.world.store.get(f"token:{token}") or (None, None)
        is_over = person is None or self.world.store.get(f"over:{session}")
        return json.dumps({"active": False} if is_over else {"active": True, "sub": person})


class Verifier:
    def __init__(self, world):
        self.issuer = world.issuer

    def check(self, token):
        if not json.loads(self.issuer.fetch("/introspect", token))["active"]:
            raise PermissionError("The issuer says that it is not active.")
