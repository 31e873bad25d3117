"""What is remembered of the issuer's log: for each subject, the position up to which everything of it is over."""

import time
from collections.abc import Iterable
from typing import Any

from app.relying_party.token import Bearer


class Memory:
    """All revocations after the position *begin* in the log of *epoch*, up to *position*.

    Of a session that opened before it began it may have missed the end: then the issuer has to be asked.
    """

    def __init__(self, epoch: str, begin: int) -> None:
        self.epoch = epoch
        self.begin = begin
        self.position = begin
        self.heard = 0
        self._over: dict[str, tuple[int, int]] = {}

    def learn(self, entries: Iterable[dict[str, Any]], position: int) -> None:
        """Take note of *entries*, which are all there are up to *position*, and let go of what has expired."""
        for entry in entries:
            self.heard += 1
            self._over[str(entry["subject"])] = (int(entry["position"]), int(entry["until"]))
        self.position = max(self.position, position)
        now = time.time()
        self._over = {subject: found for subject, found in self._over.items() if found[1] > now}

    def knows(self, bearer: Bearer) -> bool:
        """Say whether everything that can have ended this token's session is in here, up to `position`."""
        return bearer.opened > self.begin

    def covers(self, bearer: Bearer) -> bool:
        """Say whether the token, its session, or everything of its person is over."""
        return any(self._over.get(subject, (-1, 0))[0] >= bearer.opened for subject in bearer.subjects)
