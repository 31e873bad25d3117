"""No check: a signed token is good until it expires, so a short life is the only remedy."""

from app.revocation.entries import Bearer, Entry


class Nothing:
    """Remembers nothing, so it allows each token until it expires."""

    horizon = 0

    def apply(self, entry: Entry) -> None:
        """Ignore the entry."""

    def allows(self, bearer: Bearer) -> bool:
        return True

    def forget(self, now: int) -> None:
        """Do nothing: nothing is remembered."""

    def snapshot(self) -> bytes:
        return b""
