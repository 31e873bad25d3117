"""A22: what RFC 7009 itself requires, and the three ways that it leaves open for access tokens."""

from dataclasses import replace

from app.lab.evidence import Found, Table, accepted
from app.lab.questions.question import LAB, Link, Question, design
from app.lab.run import Way
from app.lab.trial import trial
from app.web import words

_READINGS = {
    "introspection": "a handle: the resource server asks the issuer",
    "denylist-push": "self-contained, and the issuer tells the resource servers",
    "expiry": "self-contained and short-lived, and no verifier is told",
}


def _readings() -> Found:
    with trial() as t:
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


QUESTIONS = (
    Question(
        "A22",
        "RFC 7009 requires that refresh tokens can be revoked, and recommends it for access tokens",
        "The standard says “must” of refresh tokens and “should” of access tokens, as a resource server may decide without "
        "asking. Its section 3 names three ways to build access tokens, and what each means for revocation.",
        "A refresh token was revoked. In which of the three ways is the access token refused at once?",
        {
            "all": "In all of them",
            "told": "If the resource server asks, or is told",
            "none": "In none of them: only the refresh token ends",
            "other": "In others of them",
        },
        _readings,
        "So the question that this site began with has its answer in the standard. What must be revocable is the refresh "
        "token, which is looked up anyway. For the access token one chooses: a handle that is asked about, a message from the "
        "issuer to the resource servers, for which the RFC names no format, or a life so short that it may run out.",
        (
            design("introspection", "A handle"),
            design("denylist-push", "A message"),
            design("expiry", "A short life"),
            LAB,
            Link("/lab/path/Q2", "The request itself"),
        ),
    ),
)
