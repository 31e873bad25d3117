"""Experiments with two dimensions: thief and policy, end and credential, list and service."""

from typing import Any

from app.config import REACTIONS, settings
from app.identity import place, suspicion
from app.identity.browsers import Browser
from app.identity.place import PARTS, SIGN_IN, Place
from app.lab import lanes, player
from app.lab.home.sessions import LIFE
from app.lab.player import FAULTS, PERSON, Answer, Stage, Story
from app.lab.questions.evidence import Findings
from app.lab.questions.trial import Trial
from app.network import address

HOUR = 60 * 60
CUT_SECONDS = 150  # before the sign-out: the longest that a design trusts an old list
LATER_SECONDS = 60
_ENDS = {"client": ("wait 60", "client"), "expiry": ("wait 7200",), "sign-out": ("wait 60", "sign-out")}
_LISTS = ("denylist-ask", "denylist-poll", "denylist-push", "status-list", "this-site")
_COUNTRIES = {"192.0.2.0/24": "Norway", "198.51.100.0/24": "Norway", "203.0.113.0/24": "Portugal"}  # RFC 5737
_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
_OWNER = Browser(_FIREFOX, "192.0.2.7")
_THIEVES = {
    "claims to be the same browser, in the same network": Browser(_FIREFOX, "192.0.2.66"),
    "comes from another network": Browser(_FIREFOX, "198.51.100.66"),
    "comes from another country": Browser(_FIREFOX, "203.0.113.66"),
    "claims to be another browser": Browser("curl/8.17.0", "192.0.2.66"),
}


def end_in_three_ways(t: Trial) -> dict[str, Any]:
    """End a session in each way, and present the whole copy in that second. Measure how long the copy lasts."""
    requests = ("ended = present thief this-site", "ended = exchange thief", "ended = open-page thief")
    cells, exposed, kinds = dict[str, Findings](), dict[tuple[str, str], int](), t.question.grid["columns"]
    for end, story in _ENDS.items():
        access, refresh = _lasts(t, *story)
        exposed |= {(end, kinds[0]): access, (end, kinds[1]): refresh}
        cells[end] = t.play("anew", *story, *requests)
    names = t.question.names
    drawn = [(f"{end}-{kind}", f"{names[end]}: {kind}", seconds) for (end, kind), seconds in exposed.items()]
    return {
        "cells": {names[end]: found for end, found in cells.items()},
        "at_once": [end for end, found in cells.items() if not found.accepted],
        "longest": max(exposed.values()),
        "picture": lanes.draw(drawn, LIFE - 60, cut="The end"),
    }


def _lasts(t: Trial, *story: str) -> tuple[int, int]:
    """Measure for how many seconds after the end the copied access token is good, and the copied refresh token."""
    t.play("anew", *story)
    access, began, last = t.run.exposure(player.find("this-site")), t.run.now, -1
    while t.play("lasts = exchange thief").accepted:
        last = t.run.now
        t.run.wait(min(HOUR, max(1, LIFE - 1 - last)))
    return access, t.run.now - began if last > began else 0


def refresh_elsewhere(t: Trial) -> dict[str, Any]:
    """Let each thief refresh under each policy."""
    cells = {what: Findings(_refresh(t, thief, policy) for policy in REACTIONS) for what, thief in _THIEVES.items()}
    here = {**suspicion.policy()} | ({"country": "unknown"} if settings().country_database is None else {})
    mildest, strictest = (sum(found[policy].accepted for found in cells.values()) for policy in (0, -1))
    alike = [found[-1].accepted for found in cells.values()] == [True, False, False, False]
    return {"cells": cells, "here": here, "mildest": mildest, "strictest": strictest, "alike": alike}


def _refresh(t: Trial, thief: Browser, reaction: str) -> Answer:
    """Let the thief refresh in a session that knows only its owner's place. The site's own rule judges the thief's."""
    stage, known = t.stage(), place.learn({}, _locate(_OWNER))
    judgement = place.judge(known, _locate(thief), dict.fromkeys(PARTS, reaction))
    if judgement.reaction == SIGN_IN:
        stage.sessions.end(stage.held["thief"]["session"])
    return stage.exchange("thief")._replace(reaction=judgement.reaction)


def _locate(browser: Browser) -> Place:
    """Return the place of a browser as the site does, but with the countries above."""
    return place.of(browser, _COUNTRIES.get(address.network(browser.address) or ""))


def cut_one_of_three_services(_: Trial) -> dict[str, Any]:
    cells = {player.find(slug).name: _three_services(slug) for slug in _LISTS}
    copies, good = ([found[column].status for found in cells.values()] for column in (2, 3))
    return {"cells": cells, "copies": copies, "good": good, "cut": CUT_SECONDS, "later": LATER_SECONDS}


def _three_services(slug: str) -> Findings:
    """Play one story to three verifiers, of which the last is cut off."""
    stage = Stage(player.find(slug).module, Story(()))
    worlds = [stage.world.beside() for _ in range(3)]
    verifiers = [stage.design.Verifier(world) for world in worlds]
    laptop, phone = stage.sessions.begin(PERSON), stage.sessions.begin(PERSON)
    worlds[2].cut = set(FAULTS)
    stage.clock.go_on(stage.clock.time + CUT_SECONDS)
    laptop = stage.sessions.refresh(laptop["refresh"]) or laptop
    phone = stage.sessions.refresh(phone["refresh"]) or phone
    stage.sessions.end(laptop["session"])
    stage.clock.go_on(stage.clock.time + LATER_SECONDS)
    found = Findings()
    for service, device in ((0, laptop), (1, laptop), (2, laptop), (2, phone)):
        stage.verifier, stage.at_verifier = verifiers[service], worlds[service]
        found.append(stage.check(device["access"])._replace(over=device is laptop))
    return found
