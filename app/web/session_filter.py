"""Find sessions in a long list: by words, by the kind of device, or by how long they were not used. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.config import DAY
from app.web.session_list import ListedSession

LEAST_SESSIONS = 20  # sessions: fewer are seen at a glance
IDLE_DAYS = 7
KINDS = ("phone", "tablet")
WHICH: Mapping[str, str] = {
    "all": "All of them",
    "phones": "Phones and tablets",
    "computers": "Computers",
    "idle": f"Not used for {IDLE_DAYS} days",
}


@dataclass(frozen=True)
class Filter:
    """*words*: each must stand somewhere in the row; *which*: one of `WHICH`."""

    words: str = ""
    which: str = "all"

    @classmethod
    def of(cls, given: Mapping[str, str]) -> "Filter":
        """Read it from a request's arguments; invalid ones filter nothing."""
        which = given.get("which", "all")
        return cls(given.get("q", "").strip()[:100], which if which in WHICH else "all")

    @property
    def is_set(self) -> bool:
        """Whether it leaves anything out."""
        return self != Filter()

    @property
    def arguments(self) -> dict[str, str]:
        """Arguments for the other pages of the same list."""
        return {"q": self.words, "which": self.which} if self.is_set else {}

    def fits(self, row: ListedSession, now: int) -> bool:
        """Return whether the row fits."""
        text = f"{row.title} {row.label} {row.where}".casefold()
        return all(word in text for word in self.words.casefold().split()) and self._is_which(row, now)

    def _is_which(self, row: ListedSession, now: int) -> bool:
        is_small = row.kind in KINDS
        return {
            "all": True,
            "phones": is_small,
            "computers": not is_small,
            "idle": now - row.last_seen_at >= IDLE_DAYS * DAY,
        }[self.which]
