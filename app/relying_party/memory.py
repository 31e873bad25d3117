"""The memory of the issuer's log: for each subject, the position up to which everything of it is over."""

import time
from collections.abc import Iterable
from typing import Any

from app.relying_party.token import Bearer


class Memory:
    """Revocations in the log of *epoch*, up to *position*.

    Entries at or before *begin* may be missing: they never came. For what opened before, the issuer has to be asked.
    """

    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self.begin = self.position = self.heard = 0
        self._over: dict[str, tuple[int, int]] = {}

    def learn(self, entries: Iterable[dict[str, Any]], position: int) -> None:
        """Apply *entries*, all that exist up to *position*, and forget what has expired."""
        for entry in entries:
            found = int(entry["position"])
            self.heard += 1
            self._over[str(entry["subject"])] = (found, int(entry["until"]))
            self._skip_to(found - 1)
            self.position = max(self.position, found)
        self._skip_to(position)
        now = time.time()
        self._over = {subject: found for subject, found in self._over.items() if found[1] > now}

    def knows(self, bearer: Bearer) -> bool:
        """Return whether this memory holds every entry that can have ended the token's session, up to `position`."""
        return bearer.opened > self.begin

    def covers(self, bearer: Bearer) -> bool:
        """Return whether the token, its session, or everything of its user is over."""
        return any(self._over.get(subject, (-1, 0))[0] >= bearer.opened for subject in bearer.subjects)

    def _skip_to(self, position: int) -> None:
        """Note what did not come: positions have no gaps."""
        if position > self.position:
            self.begin = self.position = position
