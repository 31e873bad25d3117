"""Experiments that no list of acts can express: each goes on where the story of its question ends, and returns what it found."""

from dataclasses import replace
from typing import Any

from app.config import REACTIONS, settings
from app.identity import place, suspicion
from app.identity.browsers import Browser
from app.identity.place import PARTS, SIGN_IN, Place
from app.lab import lanes, player, resource, run_view
from app.lab.costs import measure, timing
from app.lab.costs.day import Day
from app.lab.home.sessions import LIFE, digest
from app.lab.player import FAULTS, PERSON, Answer, Stage, Story
from app.lab.questions.trial import Findings, Trial
from app.network import address
from app.web import words
from app.web.own_server import Exchange

CUT_SECONDS = 150  # before the sign-out: the longest that a design trusts an old list
LATER_SECONDS = 60
_ENDS = {"client": ("wait 60", "client"), "expiry": ("wait 7200",), "sign-out": ("wait 60", "sign-out")}
_LISTS = ("denylist-ask", "denylist-poll", "denylist-push", "status-list", "this-site")
_COUNTRIES = {"192.0.2.0/24": "Norway", "198.51.100.0/24": "Norway", "203.0.113.0/24": "Portugal"}  # RFC 5737
_OWNER = Browser("Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0", "192.0.2.7")


def revoke_by_request(t: Trial) -> dict[str, Any]:
    """Send the request as a stranger, and use the token; then as the client, and use the newer token twice."""
    client = resource.credentials()

    def send(what: str, **sent: Any) -> Exchange:
        exchange = t.send("/lab/revoke", **sent)
        t.tables["requests"].append(Answer(exchange.status, exchange.body.strip() or "The answer is empty.", what=what))
        return exchange

    send("a stranger, without the client’s credentials")
    t.play("uses = exchange thief: the refresh token, after the stranger’s request")
    exchange = send("the client", client=client, token_type_hint="refresh_token")  # noqa: S106 - a kind, not a secret
    t.play("uses = exchange thief: the revoked refresh token", "uses = exchange thief: and once more")
    send("the client, about a token that was never issued", client=client, token="unknown")  # noqa: S106 - none
    return {"exchange": exchange.describe()}


def visit_for_half_an_hour(t: Trial) -> dict[str, Any]:
    """Send one request a minute, and refresh when the access token has expired."""
    for minute in range(30):
        (answer,) = t.play("requests = present laptop expiry")
        if answer.status == 401:
            t.play(f"refreshes = exchange laptop: refresh after {minute} minutes", "requests = present laptop expiry")
        t.play("wait 60")
    t.play("sign-out", "refreshes = exchange thief: refresh after the sign-out")
    return {}


def read_without_a_key(t: Trial) -> dict[str, Any]:
    jwt_token, opaque = (t.stage(slug).held["thief"]["access"] for slug in ("this-site", "session"))
    return {"jwt": _read(jwt_token), "opaque": _read(opaque), "token": opaque}


def _read(token: str) -> list[str]:
    """Return every claim of a token that can be read without a key."""
    said = {name: str(value) for name, value in run_view.claims(token).items()}
    return [f"{name}: {value if len(value) <= 16 else words.shorten(value)}" for name, value in said.items()]


def steal_a_row(t: Trial) -> dict[str, Any]:
    """Present the stored value of a refresh token; then search everything that is stored for every token."""
    states, tokens, thief = [_rows(t)], _handed_out(t), t.stage()
    thief.held["thief"]["refresh"] = digest(thief.held["thief"]["refresh"])
    t.tables["presented"].append(thief.exchange()._replace(what="what stands in the database"))
    t.play("presented = exchange laptop: what the browser holds")
    states.append(_rows(t))
    stage, tokens = t.stage(), tokens | _handed_out(t)
    stored = f"{stage.sessions.store.rows} {stage.world.store.rows} {t.run.to_json()}"
    t.play("sign-out", "presented = exchange 1: the newest, after the sign-out")
    legible = sum(token in stored for token in tokens)
    return {"states": [*states, _rows(t)], "tokens": len(tokens), "legible": legible}


def _handed_out(t: Trial) -> set[str]:
    return {held[kind] for held in t.stage().held.values() for kind in ("refresh", "cookie")}


def _rows(t: Trial) -> str:
    return "; ".join(f"{words.shorten(name)}, {state}" for name, _, state in run_view.rows(t.stage()))


def time_a_check(_: Trial) -> dict[str, Any]:
    return {"took": timing.measure()}


def weigh_two_tables(_: Trial) -> dict[str, Any]:
    day = measure.compare(Day(), "allowlist-ask", "denylist-ask")
    valid, revoked = day.of("allowlist-ask"), day.of("denylist-ask")
    return {"day": day, "valid": valid, "revoked": revoked, "factor": valid.stored / max(1, revoked.stored)}


def filter_and_prefer(t: Trial) -> dict[str, Any]:
    """Send a filter with one request, and post a preference; search everything that the server stored for both."""
    stage = t.stage("client-data")
    verifier: Any = stage.verifier
    token, phone = (stage.held[whose]["access"] for whose in ("thief", "phone"))
    whole, filtered = verifier.check(token), verifier.check(token, "pp")
    verifier.prefer(token, "by name")
    elsewhere, stored = verifier.check(phone), str(stage.world.store.rows)
    t.tables["rows"].append(stage.check(token)._replace(what="the opaque token", slug="client-data"))
    t.play("sign-out", "rows = present thief client-data: the same, after the sign-out")
    kept = ["filter"] * ("'pp'" in stored) + ["preference"] * ("by name" in stored and elsewhere == sorted(whole))
    return {"whole": whole, "filtered": filtered, "elsewhere": elsewhere, "name": digest(token)[:12], "kept": kept}


def revoke_by_session_id(t: Trial) -> dict[str, Any]:
    """Refresh three times; then end the session by its id, and present the three access tokens."""
    tokens, listed = list[str](), list[str]()
    for _ in range(3):
        t.play("wait 10", "refresh laptop")
        tokens.append(t.stage("denylist-push").held["laptop"]["access"])
        listed.append(run_view.claims(t.stage("allowlist-ask").held["laptop"]["access"])["jti"])
    stored, ids = (str(t.stage(slug).world.store.rows) for slug in ("denylist-push", "allowlist-ask"))
    t.play("elsewhere")
    stage = t.stage("denylist-push")
    for number, token in enumerate(tokens, 1):
        what = f"access token {number} of {len(tokens)}"
        t.tables["rows"].append(stage.check(token)._replace(what=what, slug="denylist-push", over=True))
    return {
        "stored": sum(token in stored for token in tokens),
        "sids": len({run_view.claims(token)["sid"] for token in tokens}),
        "messages": stage.spent["elsewhere"]["messages"],
        "listed": sum(jti in ids for jti in listed),
    }


def end_in_three_ways(t: Trial) -> dict[str, Any]:
    """End a session in each way, and present the whole copy in that second. Measure how long the copy lasts."""
    requests = ("ended = present thief this-site", "ended = exchange thief", "ended = open-page thief")
    cells, lasts, names = dict[str, Findings](), list[tuple[str, str, int]](), t.question.names
    for end, story in _ENDS.items():
        for kind, seconds in _lasts(t, *story).items():
            lasts.append((f"{end}-{kind}", f"{names[end]}: {kind}", seconds))
        cells[names[end]] = t.play("anew", *story, *requests)
    return {
        "cells": cells,
        "at_once": [end for end in _ENDS if not cells[names[end]].accepted],
        "longest": max(seconds for *_, seconds in lasts),
        "picture": lanes.draw(lasts, LIFE - 60, cut="The end"),
    }


def _lasts(t: Trial, *story: str) -> dict[str, int]:
    """Measure for how many seconds after the end the copied access token is good, and the copied refresh token."""
    t.play("anew", *story)
    access, began, last = t.run.exposure(player.find("this-site")), t.run.now, -1
    while t.play("lasts = exchange thief").accepted:
        last = t.run.now
        t.run.wait(min(words.HOUR, max(1, LIFE - 1 - last)))
    return {"access token": access, "refresh token": t.run.now - began if last > began else 0}


def refresh_elsewhere(t: Trial) -> dict[str, Any]:
    """Let each thief refresh under each policy."""
    thieves = {what: replace(_OWNER, **changed) for what, changed in t.question.grid["rows"].items()}
    cells = {what: Findings(_refresh(t, thief, policy) for policy in REACTIONS) for what, thief in thieves.items()}
    here = {**suspicion.policy()} | ({"country": "unknown"} if settings().country_database is None else {})
    mildest, strictest = (sum(answers[policy].accepted for answers in cells.values()) for policy in (0, -1))
    alike = [answers[-1].accepted for answers in cells.values()] == [True, False, False, False]
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
    copies, good = ([answers[column].status for answers in cells.values()] for column in (2, 3))
    return {"cells": cells, "copies": copies, "good": good, "cut": CUT_SECONDS, "later": LATER_SECONDS}


def _three_services(slug: str) -> Findings:
    """Play one story to three verifiers, of which the last is cut off."""
    stage = Stage(player.find(slug).module, Story(()))
    worlds = [stage.world.beside() for _ in range(3)]
    verifiers = [stage.design.Verifier(world) for world in worlds]
    laptop, phone = stage.sessions.begin(PERSON), stage.sessions.begin(PERSON)
    worlds[2].cut = set(FAULTS)
    stage.clock.go_on(stage.clock.time + CUT_SECONDS)
    stage.sessions.end(laptop["session"])
    stage.clock.go_on(stage.clock.time + LATER_SECONDS)
    findings = Findings()
    for service, device in ((0, laptop), (1, laptop), (2, laptop), (2, phone)):
        stage.verifier, stage.at_verifier = verifiers[service], worlds[service]
        findings.append(stage.check(device["access"])._replace(over=device is laptop))
    return findings
