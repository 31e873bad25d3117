"""The sliders of the costs page: what a visitor may set, within which bounds, in which steps."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.lab.costs.day import Day

MINUTE = 60


@dataclass(frozen=True)
class Slider:
    """One slider."""

    name: str
    label: str
    unit: str
    low: int
    high: int
    step: int
    usual: int

    def read(self, given: Mapping[str, str]) -> int:
        """Return what was *given*, moved to the nearest place that this slider has."""
        try:
            value = int(given.get(self.name, self.usual))
        except ValueError:
            value = self.usual
        steps = round((min(self.high, max(self.low, value)) - self.low) / self.step)
        return self.low + steps * self.step


PEOPLE = Slider("people", "People", "people", 20, 200, 20, 60)
LIFE = Slider("life", "An access token lives", "minutes", 2, 60, 1, 5)
POLL = Slider("poll", "A poll every", "seconds", 15, 300, 15, 60)
LEAVING = Slider("leaving", "Sessions signed out", "percent", 5, 100, 5, 20)
ALL = (PEOPLE, LIFE, POLL, LEAVING)


def read(given: Mapping[str, str]) -> tuple[Day, dict[str, int]]:
    """Return the day that was asked for, and where its sliders stand."""
    at = {slider.name: slider.read(given) for slider in ALL}
    return Day(at["people"], at["life"] * MINUTE, at["poll"], at["leaving"]), at
