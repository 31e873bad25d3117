"""The place from which a session is used, and how a new one is judged. Pure; a hint, and never a proof.

A *place* has up to three parts: the *browser* by family and system, the *network*, and the *country*. A part that is not
known is left out, and then not judged.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.config import REACTIONS
from app.identity.browsers import Browser
from app.network import address

PARTS = ("browser", "network", "country")
# Values of each part that a session remembers: a user has fewer browsers, but a thief may claim thousands.
MOST_PLACES = 12
IGNORE, NOTE, WARN, SIGN_IN = REACTIONS

Place = Mapping[str, str]
Known = Mapping[str, Sequence[str]]  # for each part the values from which the session was used so far
Policy = Mapping[str, str]  # for each part the reaction to a new value


@dataclass(frozen=True)
class Judgement:
    """*reaction*: one of the four. *changed*: the parts that are new, but for those that the policy ignores."""

    reaction: str
    changed: tuple[str, ...]


def of(browser: Browser, country: str | None) -> Place:
    """Return the place where *browser* is, in the country with this code."""
    found = {"browser": browser.label, "network": address.network(browser.address), "country": country}
    return {part: value for part, value in found.items() if value}


def judge(known: Known, place: Place, policy: Policy) -> Judgement:
    """Judge a use from *place*: the gravest reaction to what is new decides. Where nothing was known, nothing is new."""
    new = [part for part in PARTS if part in place and known.get(part) and place[part] not in known[part]]
    reaction = max((policy[part] for part in new), key=REACTIONS.index, default=IGNORE)
    return Judgement(reaction, tuple(part for part in new if policy[part] != IGNORE))


def learn(known: Known, place: Place) -> dict[str, list[str]]:
    """Return what is known after a use from *place*."""
    learnt = {part: list(values) for part, values in known.items()}
    for part, value in place.items():
        values = learnt.setdefault(part, [])
        if value not in values and len(values) < MOST_PLACES:
            values.append(value)
    return learnt
