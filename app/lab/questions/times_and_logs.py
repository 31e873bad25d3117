"""A13 to A15: one time for each person, what the world of certificates does, and letting time do it."""

from app.lab.evidence import Found, Table, accepted
from app.lab.player import Answer, Stage
from app.lab.questions.question import COSTS, LAB, Link, Question, design, row
from app.lab.run import Way
from app.lab.trial import trial
from app.web import words

_CERTIFICATES = ("status-list", "introspection", "transparency")
_CUTS = ("logout-time", "cutoff-ask", "this-site")


def _logout_time() -> Found:
    """Both pitfalls of a time in whole seconds, and what becomes of them where positions are compared."""
    with trial() as t:
        t.leave(Way.ALL)
        t.sign_in_again()
        new = t.present(*_CUTS, whose="laptop", what="signed in again in that second")
        old = t.present(*_CUTS, what="the copy from before")
    with trial() as t:
        t.wait(60)
        t.do("all-but-refresh")
        t.wait(10)
        younger = [
            row("bought with the old refresh token", _bought(t.stage(slug)), slug=slug, over=True) for slug in _CUTS
        ]
    says = (
        f"By time, the new sign-in got {new[0].status}, and the token that an old refresh token bought {younger[0].status}."
        f" By position they got {new[1].status} and {younger[1].status}."
    )
    tables = (
        Table("In the second of “Sign out everywhere”", [*new, *old]),
        Table("If refresh tokens are forgotten: ten seconds later", younger),
    )
    return Found("accepted" if new[0].accepted else "refused", says, tables)


def _bought(stage: Stage) -> Answer:
    """Return what the verifier says of the token for which the copied refresh token was exchanged."""
    stage.exchange()
    return stage.present()


def _certificates() -> Found:
    with trial() as t:
        t.wait(90)
        t.leave(Way.SIGN_OUT)
        at_once = t.present(*_CERTIFICATES)
        picture = t.draw(*_CERTIFICATES)
        t.wait(60)
        later = t.present(*_CERTIFICATES)
    with trial() as t:
        t.switch("two-heads")
        t.wait(90)
        t.leave(Way.SIGN_OUT)
        t.wait(120)
        lied = t.present(*_CERTIFICATES)
    names = {"status-list": "list", "introspection": "asked", "transparency": "log"}
    refusing = [name for slug, name in names.items() if slug not in accepted(at_once)]
    choice = refusing[0] if len(refusing) == 1 else "all" if refusing else "none"
    says = (
        f"{len(refusing)} of 3 refused at once, {3 - len(accepted(later))} of 3 a minute later. Where the issuer told another service"
        f" alone of the sign-out, {3 - len(accepted(lied))} of 3 had noticed two minutes later."
    )
    tables = (
        Table("In the second of the sign-out", at_once),
        Table("A minute later", later),
        Table("If the issuer lies, and tells another service alone: two minutes later", lied),
    )
    return Found(choice, says, tables, picture=picture)


def _window() -> Found:
    with trial() as t:
        t.wait(60)
        t.leave(Way.SIGN_OUT)
        ended, seconds = t.now, t.first_refusal("expiry")
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
        "A single time for each person says: whatever was issued before this is over. It is small, and it is what Sign out "
        "everywhere needs. A verifier compares it with the time in the token (iat), and both count whole seconds.",
        "A person signs out everywhere and signs in again within the same second. What happens to the new token?",
        {"accepted": "It is accepted", "refused": "It is refused, as the old ones are"},
        _logout_time,
        "A time has two pitfalls. Within one second it cannot tell before from after, so it refuses the new sign-in, or lets an "
        "old copy in. And iat is the age of the token, not of the session: an old refresh token buys a younger JWT, so refresh "
        "tokens have to end as well. This site compares positions in one log instead. A token carries the position at which "
        "its session opened, and two things in one second still come one after the other.",
        (
            design("logout-time", "The time"),
            design("cutoff-ask", "The position"),
            Link("/devices", "Sign out everywhere, and in again"),
        ),
    ),
    Question(
        "A14",
        "The web’s certificates have met this before: CRL, OCSP, Certificate Transparency",
        "A CRL is a signed list that is fetched now and then. OCSP asks about one certificate. Certificate Transparency is a "
        "public log of the certificates that were issued; it revokes none. Something like each of them exists for tokens: a "
        "status list, introspection, and a log of revocations with signed heads.",
        "A session is signed out just now. Which of the three refuses its copy at once?",
        {
            "list": "The status list",
            "asked": "Introspection",
            "log": "The log with signed heads",
            "all": "All of them",
            "none": "None of them",
        },
        _certificates,
        "A list is as fresh as its last fetch. Introspection answers from what the issuer knows now; an OCSP answer may be made "
        "days in advance (RFC 6960, section 2.5), or be stapled by the holder, who brings it along. A log is no faster than a "
        "list. Its heads let two verifiers notice that they were shown different logs, once they compare them. An entry that no "
        "verifier is shown is missed only by the person who has a receipt for it. Browsers have stopped asking: Firefox (CRLite) and Chrome "
        "(CRLSets) fetch compressed lists, and Let’s Encrypt ended OCSP in 2025.",
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
        "Kerberos tickets end after some hours, and are never revoked. If a token lives for minutes, one may say that there "
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
        "refreshes; it closes only if the verifier is told, or asks.",
        (design("expiry", "Nothing but expiry"), COSTS, LAB),
    ),
)
