"""The issuer, as seen from here: an address, from which its endpoints, its keys and its revocations are found."""

import threading
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import httpx
import jwt

from app.relying_party.verdict import Unheard

ANSWER_SECONDS = 1.0
KEYS_SECONDS = 30  # after that a key may have been withdrawn
AGAIN_SECONDS = 1  # anyone can send unknown key ids: they make this site ask no more often than this


class Revoked(NamedTuple):
    """All *entries* after the position *after*, up to *position*, in a log of *epoch* that has *size* entries by now.

    *waited*: for how many seconds the issuer held its answer, by its own clock.
    """

    epoch: str
    size: int
    after: int
    position: int
    waited: float
    entries: list[dict[str, Any]]


class Issuer:
    """Asks the issuer at *url*, and remembers nothing but its metadata and its keys."""

    def __init__(self, url: str, transport: httpx.BaseTransport | None = None) -> None:
        self.url = url.rstrip("/")
        self.audience = f"{self.url}/lab"
        self._transport = transport
        self.client = self.reach(ANSWER_SECONDS)
        self._lock = threading.Lock()
        self._metadata: dict[str, Any] = {}
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = float("-inf")

    def reach(self, seconds: float) -> httpx.Client:
        """Return what asks it, and waits for so long. It follows no redirects."""
        return httpx.Client(timeout=seconds, trust_env=False, transport=self._transport)

    def endpoint(self, name: str) -> str:
        """Return the address that the issuer's metadata has under *name*. Raises Unheard."""
        with self._lock:
            if time.monotonic() - self._read_at > KEYS_SECONDS:
                self._renew(missing=name not in self._metadata)
            found = self._metadata.get(name)
        if not isinstance(found, str):
            raise Unheard(f"the issuer has no {name}")
        return found

    def key(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        """Return a key by its id, or None if the issuer has no such key for this algorithm. Raises Unheard."""
        with self._lock:
            age = time.monotonic() - self._read_at
            if age > KEYS_SECONDS or (kid not in self._keys and age > AGAIN_SECONDS):
                self._renew(missing=kid not in self._keys)
            found = self._keys.get(kid)
        return found if found and found.algorithm_name == algorithm else None

    def revoked(self, after: int, subjects: Iterable[str] = (), *, wait: int = 0) -> Revoked:
        """Return what was revoked after a position, perhaps of some subjects alone. Raises Unheard.

        If there is nothing, the issuer may *wait* for it (seconds).
        """
        wanted = {"after": after, "subject": list(subjects), "wait": wait}
        found = self._ask(f"{self.audience}/revoked", wanted, wait)
        try:
            return Revoked(**found)
        except TypeError as problem:
            raise Unheard("what the issuer answers makes no sense") from problem

    def _renew(self, *, missing: bool) -> None:
        try:
            metadata = self._ask(f"{self.url}/.well-known/openid-configuration")
            if metadata.get("issuer") != self.url:  # OpenID Connect Discovery, section 4.3
                raise Unheard("what answers in place of the issuer says that it is another")
            found = jwt.PyJWKSet.from_dict(self._ask(str(metadata.get("jwks_uri"))))
        except (Unheard, jwt.PyJWTError) as problem:
            if not missing:
                return  # the keys serve on; how old the news of revocations may be is judged elsewhere
            raise Unheard("the keys of the issuer cannot be had") from problem
        self._metadata = metadata
        self._keys = {key.key_id: key for key in found.keys if key.key_id}
        self._read_at = time.monotonic()

    def _ask(self, url: str, params: dict[str, Any] | None = None, wait: int = 0) -> dict[str, Any]:
        try:
            answer = self.client.get(url, params=params, timeout=ANSWER_SECONDS + wait)
            found = answer.raise_for_status().json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as problem:
            raise Unheard("the issuer does not answer") from problem
        if not isinstance(found, dict):
            raise Unheard("what the issuer answers makes no sense")
        return found
