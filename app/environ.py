"""Settings as the environment gives them: text, read one by one and checked."""

from collections.abc import Mapping, Sequence
from pathlib import Path

DAY = 24 * 60 * 60
PROJECT = Path(__file__).resolve().parent.parent


class Misconfigured(SystemExit):
    """Stops the start with one line that names the variable and the mend."""


class Environ:
    """What one environment says. Each raises Misconfigured with one helpful line where a value makes no sense."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ

    def text(self, name: str, default: str) -> str:
        return self._environ.get(name, "").strip() or default

    def number(self, name: str, default: int, *, low: int = 1, high: int = 10 * 365 * DAY) -> int:
        value = self.text(name, str(default))
        if not (value.isascii() and value.isdigit() and low <= int(value) <= high):
            raise Misconfigured(f"{name}={value} does not fit: give a whole number from {low} to {high}.")
        return int(value)

    def flag(self, name: str, *, default: bool = False) -> bool:
        value = self.text(name, str(int(default)))
        if value not in ("0", "1"):
            raise Misconfigured(f"{name}={value} does not fit: give 0 or 1.")
        return value == "1"

    def choice(self, name: str, default: str, choices: Sequence[str]) -> str:
        value = self.text(name, default)
        if value not in choices:
            raise Misconfigured(f"{name}={value} does not fit: give one of {', '.join(choices)}.")
        return value

    def path(self, name: str) -> Path | None:
        """Return where a file is, seen from the project; None if none is named."""
        value = self.text(name, "")
        return (PROJECT / value).resolve() if value else None
