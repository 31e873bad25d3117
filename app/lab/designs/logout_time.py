"""Global logout time, by iat: one time for each person; a token issued at or before it is refused, as most do it."""

CARD = {
    "field": "“not before” per user; ASVS 7.4.1",
    "checker": "cut-off",
    "delivery": "ask",
    "choose": "Choose it where tokens carry nothing but iat, and end the refresh tokens together with it.",
    "avoid": "Two pitfalls: a sign-in in the second of the cut is refused; and a refresh token that was left alone buys a token that is younger than the cut.",
}


class Issuer:
    def __init__(self, world):
        self.world = world

    def issue(self, person, session):
        """Each refresh gives a new iat: the token is as young as the refresh, however old the session is."""
        now = self.world.now()
        return self.world.sign({"sub": person, "sid": session, "iat": now, "exp": self.world.expiry()})

    def revoke_all(self, person):
        now = self.world.now()
        self.world.store.put(f"cut:{person}", now, self.world.expiry())


class Verifier:
    def __init__(self, world):
        self.world = world

    def check(self, token):
        claims = self.world.read(token)
        cut = self.world.store.get(f"cut:{claims['sub']}")
        if cut is not None and claims["iat"] <= cut:  # with < a copy from the same second would live on
            raise PermissionError("It was issued at or before the person's logout time.")
