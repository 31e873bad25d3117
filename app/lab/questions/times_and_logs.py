"""A13 to A15: one time for each person, what the world of certificates does, and letting time do it."""

import jwt

from app.lab import issuer
from app.lab.evidence import Found, Table, accepted
from app.lab.questions.question import COSTS, LAB, Link, Question, design
from app.lab.run import Pocket, Run, Way
from app.lab.trial import trial
from app.web import words

_CERTIFICATES = ("status-list", "introspection", "transparency")


def _same_second() -> Found:
    def leave_and_return(run: Run) -> tuple[int, int, Pocket]:
        issuer.end(run, Way.ALL)
        cut, at, _pushed = run.entries[-1]
        return cut, at, issuer.sign_in_again(run, t.name)

    with trial() as t:
        cut, cut_at, new = t.change(leave_and_return)
        slugs = ("cutoff-ask", "this-site")
        after = [t.present(slug, token=new.access, what="the new token")[0] for slug in slugs]
        before = [t.present(slug, token=t.pocket.access, what="the old token")[0] for slug in slugs]
    claims = jwt.decode(new.access, options={"verify_signature": False})
    same = claims["iat"] == cut_at
    facts = (
        ("Signed out everywhere", f"entry {cut} of the log"),
        (
            "Signed in again",
            f"entry {claims['opened']} of the log, {'in the same second' if same else 'a second later'}",
        ),
        ("By whole seconds (iat > cut)", "accepted" if claims["iat"] > cut_at else "refused, wrongly"),
        ("By positions (opened > cut)", "accepted" if claims["opened"] > cut else "refused, wrongly"),
    )
    says = f"The new token got {after[0].status} and the old one {before[0].status}."
    choice = "accepted" if accepted(after) == set(slugs) else "refused"
    return Found(choice, says, (Table("Both tokens, in that second", [*after, *before]),), facts)


def _certificates() -> Found:
    with trial() as t:
        t.wait(90)
        t.leave(Way.SIGN_OUT)
        at_once = t.present(*_CERTIFICATES)
        picture = t.draw(*_CERTIFICATES)
        t.wait(60)
        later = t.present(*_CERTIFICATES)
    names = {"status-list": "list", "introspection": "asked", "transparency": "log"}
    refusing = [name for slug, name in names.items() if slug not in accepted(at_once)]
    choice = refusing[0] if len(refusing) == 1 else "all" if refusing else "none"
    says = f"{len(refusing)} of 3 refused at once, {3 - len(accepted(later))} of 3 a minute later."
    tables = (Table("In the second of the sign-out", at_once), Table("A minute later", later))
    return Found(choice, says, tables, picture=picture)


def _window() -> Found:
    with trial() as t:
        t.wait(60)
        t.leave(Way.SIGN_OUT)
        ended, seconds = t.now, t.first_refusal("expiry") - t.now
        rows = [
            t.present("expiry", at=ended + after, what=f"the copy, {words.clock(after)} after")[0]
            for after in (0, seconds - 1, seconds)
        ]
        picture = t.draw("expiry", "this-site")
    lengths = {"at-once": 0, "minute": 60, "rest": 240, "session": 8 * 60 * 60}
    choice = min(lengths, key=lambda name: abs(lengths[name] - seconds))
    says = f"The copy was accepted for {words.clock(seconds)} after the sign-out, and then refused."
    return Found(choice, says, (Table("Nothing but expiry", rows),), picture=picture)


QUESTIONS = (
    Question(
        "A13",
        "One logout time for each person ends everything that began before it",
        "A single number for each person says: whatever was issued before this is over. It is small, and it is what Sign out "
        "everywhere needs. But clocks in tokens count whole seconds.",
        "A person signs out everywhere and signs in again within the same second. What happens to the new token?",
        {"accepted": "It is accepted", "refused": "It is refused, as the old ones are"},
        _same_second,
        "This site does not compare clocks. Sign-ins and sign-outs are entries in one log, their positions have one order, and "
        "a token carries the position at which its session opened. Two things in one second still come one after the other.",
        (design("cutoff-ask", "The global logout time"), Link("/devices", "Sign out everywhere, and in again"), LAB),
    ),
    Question(
        "A14",
        "The web’s certificates have met this before: CRL, OCSP, Certificate Transparency",
        "A CRL is a signed list that everybody fetches now and then. OCSP asks on-line about one certificate. Certificate "
        "Transparency is a public log that can only grow. All three exist for tokens: a status list, introspection, and this "
        "site’s log with its signed heads and proofs.",
        "A session is signed out just now. Which of the three refuses its copy at once?",
        {
            "list": "The status list",
            "asked": "Introspection",
            "log": "The log with proofs",
            "all": "All of them",
        },
        _certificates,
        "A list is as fresh as the last time it was fetched, and needs nobody to be reachable in between. Asking is always "
        "fresh, and tells the one who is asked who is being looked at. A log by itself is no faster than a list; what it adds is "
        "that nobody can hide or rewrite a revocation unseen.",
        (
            design("status-list", "CRL: the status list"),
            design("introspection", "OCSP: introspection"),
            design("transparency", "CT: the transparency log"),
            Link("/log/checkpoint", "The signed head of this site’s log"),
        ),
    ),
    Question(
        "A15",
        "If tokens live shortly enough, expiry is the revocation",
        "Kerberos tickets end after some hours, and nobody revokes them. If a token lives for minutes, one may say that there "
        "is no need for more.",
        "Tokens live five minutes. A person signs out one minute after the last refresh. How long is a copy still accepted?",
        {
            "at-once": "Not at all",
            "minute": "About a minute",
            "rest": "About four minutes",
            "session": "As long as the session would have",
        },
        _window,
        "The window is whatever was left of the token’s life. It can be made smaller by shorter lives, at the price of more "
        "refreshes; it closes only if somebody is told, or asks.",
        (design("expiry", "Nothing but expiry"), COSTS, LAB),
    ),
)
