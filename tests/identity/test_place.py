"""A change of place is judged by what is new and by the gravest rule about it; what is not known is not judged."""

import pytest

from app.config import REACTIONS
from app.identity import place
from app.identity.browsers import Browser
from app.identity.place import MOST_PLACES, PARTS, Judgement, Policy
from tests.browsers import AGENTS

FIREFOX = AGENTS["Firefox on Linux"]
HOME = {"browser": ["Firefox on Linux"], "network": ["192.0.2.0/24"], "country": ["NO"]}
BEGUN = {"browser": "Firefox on Linux", "network": "192.0.2.0/24", "country": "NO"}


def policy(**reactions: str) -> Policy:
    return dict.fromkeys(PARTS, "ignore") | reactions


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.9", "192.0.2.0/24"),
        ("::ffff:192.0.2.9", "192.0.2.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("fe80::1%eth0", "fe80::/48"),
        ("", None),
        ("a socket", None),
    ],
)
def test_a_network_is_about_what_one_provider_gives_to_one_place(address: str, network: str | None) -> None:
    assert place.of(Browser(FIREFOX, address), None).get("network") == network


def test_a_browser_is_its_family_and_system_so_an_update_is_no_change() -> None:
    newer = FIREFOX.replace("145", "146")
    assert place.of(Browser(newer, "192.0.2.9"), "NO") == BEGUN
    assert place.of(Browser(AGENTS["Safari on macOS"], ""), None) == {"browser": "Safari on macOS"}
    assert place.of(Browser("", ""), None) == {"browser": "Unknown browser"}, "to say nothing is a change, too"


@pytest.mark.parametrize("reaction", REACTIONS)
@pytest.mark.parametrize("part", PARTS)
def test_each_rule_decides_about_its_own_part(part: str, reaction: str) -> None:
    changed = (part,) if reaction != "ignore" else ()
    new = BEGUN | {part: "another"}
    assert place.judge(HOME, new, policy(**{part: reaction})) == Judgement(reaction, changed)
    others = dict.fromkeys(PARTS, "sign-in") | {part: "ignore"}
    assert place.judge(HOME, new, others) == Judgement("ignore", ())


def test_the_gravest_rule_that_applies_decides_and_the_others_are_named_with_it() -> None:
    new = dict.fromkeys(PARTS, "another")
    assert place.judge(HOME, new, policy(browser="note", country="warn")) == Judgement("warn", ("browser", "country"))
    strict = policy(browser="warn", network="sign-in", country="note")
    assert place.judge(HOME, new, strict) == Judgement("sign-in", PARTS)


def test_known_parts_are_not_judged_again_in_any_combination() -> None:
    known = place.learn(HOME, {"browser": "Safari on macOS", "network": "203.0.113.0/24", "country": "PT"})
    for browser in known["browser"]:
        for network in known["network"]:
            seen = {"browser": browser, "network": network, "country": "PT"}
            assert place.judge(known, seen, dict.fromkeys(PARTS, "sign-in")) == Judgement("ignore", ())
            assert place.learn(known, seen) == known


def test_where_a_part_is_not_known_its_rule_does_not_apply() -> None:
    strict = dict.fromkeys(PARTS, "sign-in")
    unmapped = {"browser": "Firefox on Linux", "network": "192.0.2.0/24"}
    assert place.judge(HOME, unmapped, strict).reaction == "ignore"
    assert place.judge({**HOME, "country": []}, BEGUN, strict).reaction == "ignore"
    assert place.judge({}, BEGUN, strict).reaction == "ignore"
    assert place.learn({}, BEGUN) == HOME


def test_the_memory_of_places_is_bounded_and_a_stranger_is_still_judged() -> None:
    known = place.learn({}, BEGUN)
    for number in range(10_000):
        known = place.learn(known, BEGUN | {"browser": f"Made-up {number}"})
    assert len(known["browser"]) == MOST_PLACES
    assert known["browser"][0] == "Firefox on Linux"
    assert place.judge(known, BEGUN | {"browser": "Another"}, policy(browser="sign-in")).reaction == "sign-in"
