"""A13 to A15: one time for each person, what the world of certificates does, and letting time do it."""

from app.lab.evidence import Found, Table, accepted, row
from app.lab.questions.question import read
from app.lab.run import Way
from app.lab.trial import Trial
from app.web import words

_CERTIFICATES = ("status-list", "introspection", "transparency")
_CUTS = ("logout-time", "cutoff-ask", "this-site")


def _logout_time() -> Found:
    """Both pitfalls of a time in whole seconds, and what becomes of them where positions are compared."""
    t = Trial()
    t.leave(Way.ALL)
    t.do("sign-in-again")
    new = t.present(*_CUTS, whose="laptop", what="signed in again in that second")
    old = t.present(*_CUTS, what="the copy from before")
    t = Trial()
    t.wait(60)
    t.do("all-but-refresh")
    t.wait(10)
    younger = [row("bought with the old refresh token", t.stage(slug).buy(), slug=slug, over=True) for slug in _CUTS]
    says = (
        f"By time, the new sign-in got {new[0].status}, and the token that an old refresh token bought {younger[0].status}."
        f" By position they got {new[1].status} and {younger[1].status}."
    )
    tables = (
        Table("In the second of “Sign out everywhere”", [*new, *old]),
        Table("If refresh tokens are forgotten: ten seconds later", younger),
    )
    return Found("accepted" if new[0].accepted else "refused", says, tables)


def _certificates() -> Found:
    t = Trial()
    t.wait(90)
    t.leave(Way.SIGN_OUT)
    at_once = t.present(*_CERTIFICATES)
    picture = t.draw(*_CERTIFICATES)
    t.wait(60)
    later = t.present(*_CERTIFICATES)
    t = Trial()
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
    t = Trial()
    t.wait(60)
    t.leave(Way.SIGN_OUT)
    ended, seconds = t.time, t.first_refusal("expiry")
    rows = [
        t.present("expiry", at=ended + after, what=f"the copy, {words.clock(after)} after")[0]
        for after in (0, seconds - 1, seconds)
    ]
    picture = t.draw("expiry", "this-site")
    lengths = {"at-once": 0, "minute": 60, "rest": 240, "session": 8 * 60 * 60}
    choice = min(lengths, key=lambda name: abs(lengths[name] - seconds))
    says = f"The copy was accepted for {words.clock(seconds)} after the sign-out, and then refused."
    return Found(choice, says, (Table("Nothing but expiry", rows),), picture=picture)


QUESTIONS = read(__name__, A13=_logout_time, A14=_certificates, A15=_window)
