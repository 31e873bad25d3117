"""Data in the browser, session at the server: an opaque token points at the session; wishes come along and go."""

import hashlib

CARD = {
    "field": "client-side data behind an opaque token",
    "checker": "session row",
    "delivery": "ask",
    "token": "opaque",
    "choose": "Choose it to keep what is large or private, such as filters and drafts, off the server.",
    "avoid": "Not for anything that the server has to believe: a person at the browser can change it.",
}
LIST = ["Pear", "Apple", "Quince"]  # what the service has to show


class Issuer:
    def __init__(self, world):
        self.world = world

    def issue(self, person, session):
        """Store the token as a hash, under its session; what the browser keeps beside it is never stored."""
        token = self.world.token()
        self.world.store.put(name(token), (person, session), self.world.expiry())
        return token

    def revoke(self, session):
        for rest in self.world.store.names("row:"):
            if (self.world.store.get(f"row:{rest}") or [None])[-1] == session:
                self.world.store.delete(f"row:{rest}")


class Verifier:
    def __init__(self, world):
        self.store = world.store

    def check(self, token, filter=""):
        """Return the list. A *filter* comes along with the request, shapes this answer, and is forgotten."""
        order = self.store.get(f"order:{self.who(token)}")
        items = [item for item in LIST if filter in item]
        return sorted(items) if order == "by name" else items

    def prefer(self, token, order):
        """Keep a preference that was posted. It belongs to the person, and outlives the session."""
        self.store.put(f"order:{self.who(token)}", order)

    def who(self, token):
        row = self.store.get(name(token))
        if not row:
            raise PermissionError("No row has this name: the session is over, or never was.")
        return row[0]


def name(token):
    return "row:" + hashlib.sha256(token.encode()).hexdigest()
