"""The issuer, as seen from here: an address, from which its keys and its revocations are found."""

import threading
import time
from collections.abc import Iterable
from typing import Any, NamedTuple

import httpx
import jwt

from app.relying_party.verdict import Unheard

ANSWER_SECONDS = 1.0
KEYS_SECONDS = 30  # after that a key may have been withdrawn
AGAIN_SECONDS = 1  # unknown key ids come from anybody: they make us ask no more often than this


class Revoked(NamedTuple):
    """All *entries* after the position *after*, up to *position*, in a log of *epoch* that has *size* entries by now."""

    epoch: str
    size: int
    after: int
    position: int
    entries: list[dict[str, Any]]


class Issuer:
    """Asks the issuer at *url*, and remembers nothing but its keys."""

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self.audience = f"{self.url}/lab"
        self.client = httpx.Client(timeout=ANSWER_SECONDS, trust_env=False)
        self._lock = threading.Lock()
        self._keys: dict[str, jwt.PyJWK] = {}
        self._read_at = float("-inf")

    def key(self, kid: str) -> jwt.PyJWK | None:
        """Return a key by its id, or None if the issuer has no such key. Raises Unheard."""
        with self._lock:
            age = time.monotonic() - self._read_at
            if age > KEYS_SECONDS or (kid not in self._keys and age > AGAIN_SECONDS):
                self._renew(kid)
            return self._keys.get(kid)

    def revoked(self, after: int | None, subjects: Iterable[str] = ()) -> Revoked:
        """Return what was revoked after a position, or lately, perhaps of some subjects alone. Raises Unheard."""
        wanted: dict[str, Any] = {"subject": list(subjects)}
        found = self._ask(f"{self.audience}/revoked", wanted if after is None else wanted | {"after": after})
        try:
            return Revoked(**found)
        except TypeError as problem:
            raise Unheard("what the issuer answers makes no sense") from problem

    def _renew(self, kid: str) -> None:
        try:
            metadata = self._ask(f"{self.url}/.well-known/oauth-authorization-server")
            if metadata.get("issuer") != self.url:  # RFC 8414, section 3.3
                raise Unheard("what answers in place of the issuer says that it is another")
            found = jwt.PyJWKSet.from_dict(self._ask(str(metadata.get("jwks_uri"))))
        except (Unheard, jwt.PyJWTError) as problem:
            if kid in self._keys:
                return  # whether its tokens are over is another question, and its answer has an age of its own
            raise Unheard("the keys of the issuer cannot be had") from problem
        self._keys = {key.key_id: key for key in found.keys if key.key_id and key.algorithm_name == "ES256"}
        self._read_at = time.monotonic()

    def _ask(self, url: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            answer = self.client.get(url, params=params)
            found = answer.raise_for_status().json()
        except (httpx.HTTPError, httpx.InvalidURL, ValueError) as problem:
            raise Unheard("the issuer does not answer") from problem
        if not isinstance(found, dict):
            raise Unheard("what the issuer answers makes no sense")
        return found
