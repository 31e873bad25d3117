"""Nothing but expiry: the verifier checks signature and time, and asks no other."""

CARD = {
    "field": "short-lived JWT + refresh token; RFC 9068, as Kerberos tickets",
    "checker": "nothing",
    "delivery": "never",
    "choose": "Choose it where minutes do not matter, and verifiers are many or cannot be reached.",
    "avoid": "Not where a person who signs out, or an account that is disabled, must be out at once.",
}


class Issuer:
    def __init__(self, world):
        self.world = world

    def issue(self, person, session):
        return self.world.sign({"sub": person, "sid": session, "exp": self.world.expiry()})

    def revoke(self, session):
        """Write nothing: no verifier would ask."""


class Verifier:
    def __init__(self, world):
        self.world = world

    def check(self, token):
        self.world.read(token)
