"""Q6 to Q9: what has to be stored, what a look-up costs, and what happens when the store is silent."""

from app.lab import issuer
from app.lab.costs import bars, measure, timing
from app.lab.costs.day import Day
from app.lab.designs import Fault
from app.lab.evidence import Found, Table, accepted
from app.lab.questions.question import COSTS, LAB, Link, Question, design
from app.lab.run import Way
from app.lab.trial import Trial, trial
from app.web import words


def _hashes() -> Found:
    with trial() as t:
        states = [("At the sign-in", _rows(t))]
        stored = t.run.laptop.chain[0].hash
        stolen = t.refresh(f"refresh.{t.name}.{stored}", "what stands in the database")[0]
        real, newer = t.refresh(t.pocket.refresh, "what the browser holds")
        states.append(("After a refresh", _rows(t)))
        t.leave(Way.SIGN_OUT)
        over = t.refresh(newer.refresh, "the newest, after the sign-out")[0]
        states.append(("After the sign-out", _rows(t)))
    says = f"With the stored value the token endpoint answered {stolen.status}; with the token itself, {real.status}."
    table = Table("Presented at POST /lab/token", [stolen, real, over])
    return Found("yes" if stolen.accepted else "no", says, (table,), tuple(states))


def _rows(t: Trial) -> str:
    over = issuer.is_over(t.run, t.run.laptop, t.now)
    lines = []
    for link in t.run.laptop.chain:
        word = "used" if link.used_at is not None else "over" if over else "good for one use"
        lines.append(f"{words.shorten(link.hash)}, {word}")
    return "; ".join(lines)


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
    compared = measure.compare(Day())
    valid, revoked, bits = (compared.of(slug) for slug in ("allowlist-ask", "denylist-ask", "denylist-push"))
    factor = valid.held / max(1, revoked.held)
    choice = "tenth" if factor >= 10 else "half" if factor >= 1.5 else "same"
    facts = (
        ("Sessions of the day", f"{compared.sessions:,}, of which {compared.endings:,} were signed out"),
        ("A table of the valid, at its longest", f"{valid.rows:,} rows, {bars.size(valid.held)}"),
        ("A table of the revoked, at its longest", f"{revoked.rows:,} rows, {bars.size(revoked.held)}"),
        ("The revoked as a bit for each session", bars.size(bits.held)),
    )
    return Found(choice, f"The table of the revoked was {factor:.0f} times smaller.", facts=facts)


def _silence() -> Found:
    asked = ("expiry", "denylist-ask", "session", "denylist-poll", "denylist-push", "this-site")
    deaf = ("denylist-poll", "denylist-push", "status-list", "denylist-ask", "this-site")
    with trial() as t:
        t.switch(Fault.STORE)
        t.wait(5)
        good = t.present(*asked)
    with trial() as t:
        t.switch(Fault.LIST, Fault.PUSH)
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
        "Somebody reads the row that is stored for a refresh token, and presents what stands there. Is it accepted?",
        {"yes": "Accepted: it is the token", "no": "Refused: it only resembles it"},
        _hashes,
        "Something is stored, but never the token. The row holds its SHA-256, from which nobody gets back to 192 random bits. "
        "It appears at the sign-in, is used up by a refresh, and is over at the sign-out.",
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
        "One can list whoever may come in, or only whoever may not any more. The second list also loses each line as soon as "
        "the last token that it concerns has expired.",
        "2,000 people have an ordinary day, and a fifth of their sessions are signed out. How much smaller is the table of "
        "the revoked?",
        {"same": "Hardly smaller", "half": "Two or three times smaller", "tenth": "More than ten times smaller"},
        _sizes,
        "As rows, the claim holds by far: a revoked session need be remembered only until its last access token expires. Kept "
        "as a bit for each session, the list takes its few kilobytes however short it is, so the way of storing matters too.",
        (COSTS, design("denylist-push", "The denylist"), design("allowlist-ask", "The allowlist")),
    ),
    Question(
        "Q9",
        "The trouble with state is the single point of failure",
        "If every request asks one store, the store decides whether anybody gets in. Here it is switched off for five seconds.",
        "Nobody has signed out and the token is good. Which of six designs still accept it while the store is off?",
        {"all": "All of them", "some": "Those that do not have to ask", "none": "None of them"},
        _silence,
        "Who asks at each request fails closed: nobody gets in. Who remembers keeps working, but then must choose what to do "
        "when no news comes: go on and perhaps let an ended session in, or give up after a while. There is no third way; one "
        "can only choose, and say so.",
        (LAB, Link("/lab/designs", "What each design does in silence"), design("this-site", "What this site does")),
    ),
)
