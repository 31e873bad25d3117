"""Q6 to Q9: what has to be stored, what a look-up costs, and what happens when the store is silent."""

from app.lab.costs import bars, measure, timing
from app.lab.costs.day import Day
from app.lab.evidence import Found, Table, accepted, row
from app.lab.home.sessions import digest
from app.lab.player import Stage
from app.lab.questions.question import read
from app.lab.run import Way
from app.lab.trial import Trial
from app.web import words


def _hashes() -> Found:
    """Steal the row of a refresh token and present what stands there; then look for every token in all that is stored."""
    t = Trial()
    states, tokens = [("At the sign-in", _rows(t))], _handed_out(t)
    thief = t.stage()
    thief.held["thief"]["refresh"] = digest(thief.held["thief"]["refresh"])
    stolen = row("what stands in the database", thief.exchange())
    real = t.refresh("laptop", "what the browser holds")
    states.append(("After a refresh", _rows(t)))
    tokens |= _handed_out(t)
    stored = _stored(t.stage()) + t.to_json()
    newer = t.stage().held["laptop"]
    t.leave(Way.SIGN_OUT)
    left = t.stage()
    left.held["laptop"] = newer
    over = row("the newest, after the sign-out", left.exchange("laptop"), over=True)
    states.append(("After the sign-out", _rows(t)))
    found = sum(token in stored for token in tokens)
    facts = (*states, ("Tokens that stand in what is stored", f"{found} of {len(tokens)} that were handed out"))
    says = f"With the stored value the token endpoint answered {stolen.status}; with the token itself, {real.status}."
    table = Table("Presented at the token endpoint", [stolen, real, over])
    return Found("yes" if stolen.accepted or found else "no", says, (table,), facts)


def _stored(stage: Stage) -> str:
    """Return all that the issuer has stored, and all that the design has."""
    return str([*stage.sessions.store.rows.items(), *stage.world.store.rows.items()])


def _handed_out(t: Trial) -> set[str]:
    return {kept[kind] for kept in t.stage().held.values() for kind in ("refresh", "cookie")}


def _rows(t: Trial) -> str:
    """Describe the rows of the laptop's refresh tokens, as they are stored."""
    stage = t.stage()
    session, store = stage.held["thief"]["session"], stage.sessions.store.rows
    newest, over = store[f"newest:{session}"][0], f"session:{session}" not in store
    hashes = [digest(token) for token in stage.tokens if f"refresh:{digest(token)}" in store]
    return "; ".join(f"{words.shorten(name)}, {_state(name == newest, over)}" for name in hashes)


def _state(is_newest: bool, is_over: bool) -> str:
    return "over" if is_over else "good for one use" if is_newest else "used"


def _speed() -> Found:
    took = timing.measure()
    check, look = took.signature, took.query
    choice = "check" if look > 1.5 * check else "look-up" if check > 1.5 * look else "same"
    facts = (
        ("Check a signature, ES256", bars.brief(check)),
        ("Find a row in the database", bars.brief(look)),
        ("Ask a list in memory", bars.brief(took.checker)),
    )
    says = (
        f"The signature took {bars.brief(check)} and the look-up {bars.brief(look)}, each the best of several rounds."
    )
    return Found(choice, says, facts=facts)


def _sizes() -> Found:
    compared = measure.compare(Day(), "allowlist-ask", "denylist-ask")
    valid, revoked = compared.of("allowlist-ask"), compared.of("denylist-ask")
    factor = valid.stored / max(1, revoked.stored)
    choice = "tenth" if factor >= 10 else "half" if factor >= 1.5 else "same"
    facts = (
        ("Sessions of the day", f"{compared.sessions:,}, of which {compared.endings:,} were signed out"),
        ("A table of the valid, at its longest", f"{valid.rows:,} rows, {bars.size(valid.stored)}"),
        ("A table of the revoked, at its longest", f"{revoked.rows:,} rows, {bars.size(revoked.stored)}"),
    )
    return Found(choice, f"At its longest the table of the revoked was {factor:.0f} times smaller.", facts=facts)


def _silence() -> Found:
    asked = ("expiry", "denylist-ask", "session", "denylist-poll", "denylist-push", "this-site")
    deaf = ("denylist-poll", "denylist-push", "status-list", "denylist-ask", "this-site")
    t = Trial()
    t.switch("store")
    t.wait(5)
    good = t.present(*asked)
    t = Trial()
    t.switch("list", "push")
    t.wait(150)
    t.leave(Way.SIGN_OUT)
    t.wait(60)
    ended = t.present(*deaf)
    count = len(accepted(good))
    choice = "all" if count == len(good) else "some" if count else "none"
    says = f"{count} of {len(good)} designs let a good token in while the store was off."
    tables = (
        Table("The store is off; the token is good", good),
        Table("The store is on; nothing is polled and nothing is pushed; the session has ended", ended),
    )
    return Found(choice, says, tables)


QUESTIONS = read(__name__, Q6=_hashes, Q7=_speed, Q8=_sizes, Q9=_silence)
