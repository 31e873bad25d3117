"""Experiments that look into a store, or measure it."""

from typing import Any

from app.lab import run_view
from app.lab.costs import measure, timing
from app.lab.costs.day import Day
from app.lab.home.sessions import digest
from app.lab.questions.trial import Trial


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
    return "; ".join(f"{row['hash']}, {row['word']}" for row in run_view.rows(t.stage()))


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
