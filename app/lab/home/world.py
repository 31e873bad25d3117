"""What a design stands on: a clock, random bytes, a key, a store, a list server, the issuer's endpoints, a push channel.
Beside them, a channel from verifier to verifier, past the issuer, which no fault cuts.

At home it has real time and threads; a story of the lab brings its own clock. Every part counts what it is asked, and a
part that was cut does not answer.
"""

import secrets
import threading
import time
import traceback
from collections import Counter

import jwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def _copy(thing, **changed):
    """Return a copy with other values, in a tenth of the time of `copy.copy`: a replay makes thousands."""
    other = object.__new__(type(thing))
    other.__dict__.update(thing.__dict__, **changed)
    return other


class World:
    """*cut*: the parts that are down: "store", "list", "push". *heard_at*: when this side last got an answer."""

    life = 300  # seconds: of an access token
    redis = None  # at home a design opens its own connection; a story brings a stand-in that counts

    def __init__(self, key=None):
        self.key = key or Ed25519PrivateKey.from_private_bytes(self.random(32))
        self.cut = set()
        self.counts, self.heard_at = Counter(), None
        self.store, self.channel, self.peers = Store(self), Channel(self, "push"), Channel(self, "peers")
        self.list_server, self.issuer = Endpoints(self, "list", "fetches"), Endpoints(self, "issuer", "requests")

    def now(self):
        return int(time.time())

    def every(self, seconds, action):
        """Run *action* now, and every *seconds* in a thread that ends with the program and prints its errors."""

        def run():
            while True:
                time.sleep(seconds)
                try:
                    action()
                except Exception:  # one answer that makes no sense must not be the last
                    traceback.print_exc()

        action()
        threading.Thread(target=run, daemon=True).start()

    def random(self, size):
        """Return *size* bytes."""
        return secrets.token_bytes(size)

    def expiry(self):
        """Return when an access token that is issued now expires."""
        return self.now() + self.life

    def token(self):
        """Return a random token, which says nothing."""
        return self.random(24).hex()

    def sign(self, claims, key=None, headers=None):
        """Return a JWT, signed by the issuer or by another *key*."""
        return jwt.encode(claims, key or self.key, "EdDSA", headers)

    def verify(self, token, key=None):
        """Return the claims of a token that the issuer signed, or the holder of another public *key*. Raises InvalidTokenError."""
        return jwt.decode(token, key or self.key.public_key(), ["EdDSA"], {"verify_exp": False, "verify_iat": False})

    def read(self, token, key=None):
        """Return the claims of such a token, unless it has expired by this world's clock."""
        claims = self.verify(token, key)
        if self.now() >= claims["exp"]:
            raise PermissionError("It has expired.")
        return claims

    def beside(self):
        """Return this world as another machine sees it, which counts for itself."""
        other = _copy(self, counts=Counter(), heard_at=None)
        for name in ("store", "channel", "peers", "list_server", "issuer"):
            setattr(other, name, _copy(getattr(self, name), world=other))
        return other

    def use(self, part, kind, size=0):
        """Count one question to a *part*, and the bytes of its answer. Raises ConnectionError if the part is cut."""
        self.counts[kind] += 1
        if part in self.cut:
            raise ConnectionError(f"The {part} does not answer.")
        self.counts["bytes"] += size
        self.heard_at = self.now()


class Store:
    """A table or a Redis: values under names, each until a time."""

    def __init__(self, world):
        self.world, self.rows = world, {}

    def get(self, name):
        self.world.use("store", "look-ups")
        value, until = self.rows.get(name, (None, 0))
        return value if self.world.now() < until else None

    def put(self, name, value, until=float("inf")):
        self.world.use("store", "writes")
        self.rows[name] = (value, until)

    def delete(self, name):
        self.world.use("store", "writes")
        self.rows.pop(name, None)

    def increment(self, name):
        """Return the next number under this name: 1, 2, 3."""
        self.world.use("store", "writes")
        number = self.rows.get(name, (0, 0))[0] + 1
        self.rows[name] = (number, float("inf"))
        return number

    def names(self, prefix):
        """Return what follows *prefix* in each name that begins with it."""
        self.world.use("store", "look-ups")
        now, rows = self.world.now(), list(self.rows.items())  # at home, another thread may write
        return [n.removeprefix(prefix) for n, (_, until) in rows if n.startswith(prefix) and now < until]


class Endpoints:
    """Addresses that answer by a function of the issuer."""

    def __init__(self, world, part, kind):
        self.world, self.part, self.kind, self.functions = world, part, kind, {}

    def serve(self, path, function):
        self.functions[path] = function

    def fetch(self, path, *asked):
        self.world.use(self.part, self.kind)
        answer = self.functions[path](*asked)
        self.world.counts["bytes"] += len(answer)
        return answer


class Channel:
    """Tells every listener but the speaker at once. While *part* is cut, messages are lost, and neither side notices."""

    is_heard = False  # whether this side listens

    def __init__(self, world, part):
        self.world, self.part, self.listeners = world, part, []

    def subscribe(self, listener):
        self.is_heard = True
        self.listeners.append((self.world, listener))

    def publish(self, message):
        for listening, listener in [each for each in self.listeners if each[0] is not self.world]:
            self.world.counts["messages"] += 1
            self.world.counts["bytes"] += len(message)
            if self.part not in self.world.cut | listening.cut:
                listener(message)
