"""No checker at all: a signed token is good until it expires. The design whose only remedy is a short life."""

from app.revocation.entries import Bearer, Entry


class Nothing:
    """Remembers nothing, and so allows what is over, for as long as a token lives."""

    horizon = 0

    def apply(self, entry: Entry) -> None:
        """Not noted."""

    def allows(self, bearer: Bearer) -> bool:
        return True

    def forget(self, now: int) -> None:
        """There is nothing to forget."""

    def snapshot(self) -> bytes:
        return b""
