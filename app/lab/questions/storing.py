"""Q6 to Q9: what has to be stored, what a look-up costs, and what happens when the store is silent."""

from app.lab.costs import bars, measure, timing
from app.lab.costs.day import Day
from app.lab.evidence import Found, Table, accepted
from app.lab.home.sessions import digest
from app.lab.player import Stage
from app.lab.questions.question import COSTS, LAB, Link, Question, design, row
from app.lab.run import Way
from app.lab.trial import Trial, trial
from app.web import words


def _hashes() -> Found:
    """Steal the row of a refresh token and present what stands there; then look for every token in all that is stored."""
    with trial() as t:
        states, tokens = [("At the sign-in", _rows(t))], _handed_out(t)
        thief = t.stage()
        thief.held["thief"]["refresh"] = digest(thief.held["thief"]["refresh"])
        stolen = row("what stands in the database", thief.exchange())
        real = t.refresh("laptop", "what the browser holds")
        states.append(("After a refresh", _rows(t)))
        tokens |= _handed_out(t)
        stored = _stored(t.stage()) + t.run.to_json()
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
    with trial() as t:
        t.switch("store")
        t.wait(5)
        good = t.present(*asked)
    with trial() as t:
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


QUESTIONS = (
    Question(
        "Q6",
        "Refresh tokens have to be stored before they can be revoked",
        "A refresh token is random and says nothing, so the server must keep something to know it by. What it keeps decides "
        "what a thief of the database gets.",
        "A thief reads the row that is stored for a refresh token, and presents what stands there. Is it accepted?",
        {"yes": "Accepted: it is the token", "no": "Refused: it only resembles it"},
        _hashes,
        "Something is stored, but never the token. The row holds its SHA-256, which does not lead back to 192 random bits. "
        "The row appears at the sign-in, is used up by a refresh, and is over at the sign-out.",
        (LAB, design("session", "The same for a server-side session")),
    ),
    Question(
        "Q7",
        "Checking a JWT is faster than looking into a database",
        "This is the reason most often given for stateless tokens. It can be measured, here and now, on the machine that "
        "runs this site.",
        "Which takes less time on this machine?",
        {"check": "Checking the signature", "same": "About the same", "look-up": "Looking into the database"},
        _speed,
        "Both are fractions of a millisecond, and which is less depends on machine, algorithm and database. Neither is what "
        "makes a site slow. A list in memory costs next to nothing, and is the fair rival of no list at all.",
        (COSTS, LAB),
    ),
    Question(
        "Q8",
        "A table of revoked tokens is much smaller than one of valid tokens",
        "One can list all who may come in, or only those who may not any more. The second list also loses each line as soon as "
        "the last token that it concerns has expired.",
        f"{Day().people} people have an ordinary day, and a fifth of their sessions are signed out. How much smaller is the "
        "table of the revoked, both at their longest?",
        {"same": "Hardly smaller", "half": "Two or three times smaller", "tenth": "More than ten times smaller"},
        _sizes,
        "The claim holds by far: both tables let go of a token when it expires, and few of those that are issued in five "
        "minutes are revoked in them. Both were weighed after each change, so no peak was missed.",
        (COSTS, design("denylist-push", "The denylist"), design("allowlist-ask", "The allowlist")),
    ),
    Question(
        "Q9",
        "The trouble with state is the single point of failure",
        "If every request asks one store, the store decides whether people get in. Here it is switched off for five seconds.",
        "The token is good. Which of six designs still accept it while the store is off?",
        {"all": "All of them", "some": "Those that do not have to ask", "none": "None of them"},
        _silence,
        "A verifier that asks at each request fails closed: it lets no one in. One that remembers keeps working, but then must choose what to do "
        "when no news comes: go on and perhaps let an ended session in, or give up after a while. There is no third way; one "
        "can only choose, and say so.",
        (LAB, Link("/lab/designs", "What each design does in silence"), design("this-site", "What this site does")),
    ),
)
