"""A22: what RFC 7009 itself requires, and the three ways that it leaves open for access tokens."""

from dataclasses import replace

from app.lab.evidence import Found, Table, accepted
from app.lab.questions.question import read
from app.lab.run import Way
from app.lab.trial import Trial
from app.web import words

_READINGS = {
    "introspection": "a handle: the resource server asks the issuer",
    "denylist-push": "self-contained, and the issuer tells the resource servers",
    "expiry": "self-contained and short-lived, and no verifier is told",
}


def _readings() -> Found:
    t = Trial()
    t.wait(60)
    t.leave(Way.SIGN_OUT)
    refresh = t.refresh("thief", "the refresh token")
    rows = [replace(found, what=_READINGS[found.slug]) for found in t.present(*_READINGS)]
    until = {slug: t.first_refusal(slug) for slug in _READINGS}
    still = accepted(rows)
    choice = "all" if not still else "told" if still == {"expiry"} else "none" if len(still) == len(rows) else "other"
    said = [f"{words.clock(seconds)} as {_READINGS[slug]}" for slug, seconds in until.items() if seconds]
    says = f"The refresh token was refused with {refresh.status}. The access token was accepted for {' and '.join(said) or 'no second more'}."
    facts = (
        ("Refresh tokens", "must be revocable (RFC 7009, section 2)"),
        ("Access tokens", "should be (section 2), and should end with the refresh token of their grant (section 2.1)"),
        ("How a resource server learns of it", "a matter of the design (section 3)"),
    )
    tables = (
        Table("At the token endpoint", [refresh]),
        Table("The access token, under each reading of section 3", rows),
    )
    return Found(choice, says, tables, facts)


QUESTIONS = read(__name__, A22=_readings)
