"""What this site says to a token, and why."""

from dataclasses import asdict, dataclass
from typing import Any


class Unheard(Exception):
    """The issuer was needed and did not answer: refuse rather than guess."""


@dataclass(frozen=True)
class Verdict:
    """*status*: 200, 401 or 503. *decided_by*: which look decided. *as_of*: up to when it knew all (Unix seconds)."""

    status: int
    reason: str
    decided_by: str
    look_ups: tuple[str, ...] = ()
    as_of: int | None = None

    def as_json(self) -> dict[str, Any]:
        return {"accepted": self.status == 200, **asdict(self)}
