"""What all designs share: sessions, their cookies, and refresh tokens, each stored as a hash and good for one use; the answers of an API."""

import hashlib

import jwt

LIFE, IDLE = 8 * 60 * 60, 2 * 60 * 60  # seconds: the longest life of a session, and of one that is not used


class Sessions:
    """*issuer*: the design's, which issues access tokens and ends them."""

    def __init__(self, world, issuer):
        self.store, self.now, self.issuer, self.token = world.store, world.now, issuer, world.token

    def begin(self, person, *key):
        """Sign a person in. *key*: of the browser, for a design that binds its tokens to one."""
        cookie, until = self.token(), self.now() + LIFE
        session = digest(cookie)[:16]
        return self._tokens(person, session, until, *key) | {"cookie": cookie}

    def refresh(self, token, *proof):
        """Exchange a refresh token for new tokens, or return None. One that is used again ends its session: it was copied.

        *proof*: what the design asks for beside it."""
        session = self.store.get(f"refresh:{digest(token)}")
        person, until, key = (session and self.lives(session)) or (None, 0, ())
        if not person:
            return None
        if key and judge(self.issuer.check_proof, *key, token, *proof)[0] != 200:
            return None
        if self.store.get(f"newest:{session}") != digest(token):
            self.end(session)
            return None
        return self._tokens(person, session, until, *key)

    def lives(self, session):
        """Return the person of a session, its end and its key, if any; None if it is over."""
        return self.store.get(f"session:{session}")

    def who(self, cookie):
        """Return the person of a cookie while its session goes on."""
        return (self.lives(digest(cookie)[:16]) or [None])[0]

    def end(self, session):
        """Sign out: refresh token and cookie are over; the design sees to the access tokens."""
        person, *_ = self.lives(session) or [None]
        if person:
            self.store.delete(f"session:{session}")
            revoke = getattr(self.issuer, "revoke", None)
            revoke(session) if revoke else self.issuer.revoke_all(person)

    def end_all(self, person):
        """Sign out everywhere."""
        revoke_all = getattr(self.issuer, "revoke_all", None)
        for session in self.store.names("session:"):
            if (self.lives(session) or [None])[0] == person:
                self.store.delete(f"session:{session}")
                revoke_all or self.issuer.revoke(session)
        if revoke_all:
            revoke_all(person)

    def _tokens(self, person, session, until, *key):
        refresh = self.token()
        self.store.put(f"session:{session}", (person, until, key), min(until, self.now() + IDLE))
        self.store.put(f"refresh:{digest(refresh)}", session, until)
        self.store.put(f"newest:{session}", digest(refresh), until)
        return {"session": session, "access": self.issuer.issue(person, session, *key), "refresh": refresh}


def digest(token):
    """Return the SHA-256 under which a token is stored."""
    return hashlib.sha256(token.encode()).hexdigest()


def judge(check, *presented):
    """Return the status with which an API answers to what was *presented*, and why. Raises ConnectionError if it cannot know."""
    try:
        check(*presented)
    except PermissionError as refusal:
        return 401, str(refusal)
    except (jwt.InvalidTokenError, LookupError, TypeError, ValueError):  # perhaps signed for another purpose
        return 401, "This is no token of this issuer."
    return 200, "Nothing that it knows speaks against it."
