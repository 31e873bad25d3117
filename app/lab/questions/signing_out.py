"""Q1 to Q5: the JWT that nobody asks about, and what Sign Out can do to it."""

from app.lab.designs import NAMED
from app.lab.evidence import Found, Table, accepted, exchange
from app.lab.questions.question import DEVICES, LAB, SIGN_OUT, Link, Question, design
from app.lab.run import Way
from app.lab.trial import trial

_EVERY = tuple(design.slug for design in NAMED)


def _stateless() -> Found:
    with trial() as t:
        rows = t.present("expiry", "denylist-ask", "session")
    asked = len(rows[0].look_ups)
    says = f"The verifier made {asked} look-ups; the two that ask somebody made {len(rows[1].look_ups)} each."
    choice = "one" if asked == 1 else "more" if asked else "none"
    return Found(choice, says, (Table("A good token, presented to three verifiers", rows),))


def _endpoint() -> Found:
    with trial() as t:
        answer = t.send("/lab/revoke", token=t.pocket.refresh, token_type_hint="refresh_token")  # noqa: S106
        once, more = t.refresh(t.pocket.refresh, "the revoked refresh token")
        again = t.refresh(more.refresh or t.pocket.refresh, "and once more")[0]
    uses = [once.accepted, again.accepted].count(True)
    says = f"The endpoint answered {answer.status_code}; after that the token was good for {uses} uses."
    tables = (Table("The refresh token at POST /lab/token, after the call", [once, again]),)
    choice = ("nothing", "once", "on")[uses]
    return Found(choice, says, tables, exchange=exchange(answer, t.pocket.refresh))


def _unstored() -> Found:
    with trial() as t:
        t.wait(90)
        t.leave(Way.SIGN_OUT)
        rows = t.present(*_EVERY)
        picture = t.draw(*_EVERY)
    says = f"{len(accepted(rows))} of {len(rows)} designs still accepted the copy just after the sign-out."
    choice = "accepted" if "expiry" in accepted(rows) else "refused"
    return Found(choice, says, (Table("The copy, presented just after the sign-out", rows),), picture=picture)


def _again() -> Found:
    with trial() as t:
        before = t.page(t.pocket.cookie, "the copied cookie, before")
        t.leave(Way.SIGN_OUT)
        after = t.page(t.pocket.cookie, "the copied cookie, after")
    says = f"The page answered {before.status} before the sign-out, and {after.status} after it."
    choice = "page" if after.accepted else "sign-in"
    return Found(choice, says, (Table("A page behind a session cookie, asked for twice", [before, after]),))


def _client_only() -> Found:
    with trial() as t:
        t.wait(60)
        t.leave(Way.CLIENT)
        rows = t.present(*_EVERY)
        picture = t.draw(*_EVERY)
    count = len(accepted(rows))
    choice = "all" if count == len(rows) else "some" if count else "none"
    says = f"{count} of {len(rows)} designs accepted the copy."
    return Found(choice, says, (Table("The copy, after the browser forgot its own", rows),), picture=picture)


QUESTIONS = (
    Question(
        "Q1",
        "A JWT can be checked without asking anybody",
        "A JWT carries what it says, and a signature over it. Whoever knows the issuer’s public key can check both, on any "
        "machine, at any time. That is what people mean by stateless.",
        "A verifier that knows only the public key is shown a good token. How many look-ups does it make?",
        {"none": "None", "one": "One, for the session", "more": "Several"},
        _stateless,
        "The claim is true, and it is the root of the trouble. What is decided from the token alone cannot take into account "
        "what happened after the token was made.",
        (LAB, design("expiry", "The design that asks nobody")),
    ),
    Question(
        "Q2",
        "A Sign Out button can call a revocation endpoint",
        "RFC 7009 describes an endpoint to which a client says: this token is over. A Sign Out button can send that request "
        "before the browser forgets its tokens.",
        "The refresh token is sent to the endpoint. What is a copy of it good for afterwards?",
        {"nothing": "Nothing", "once": "One more use", "on": "It goes on as before"},
        _endpoint,
        "The endpoint wrote one entry into the revocation log, and whoever asks the log knows. It answers 200 for unknown "
        "tokens too, so that nobody can find out by asking whether a token exists.",
        (SIGN_OUT, LAB),
    ),
    Question(
        "Q3",
        "If nothing is stored, nothing can refuse a revoked token",
        "The server has ended the session, but a copy of the access token looks as good as before: the signature holds, and "
        "it has not expired.",
        "A verifier that stores nothing and hears nothing is shown the copy. What does it say?",
        {"accepted": "Accepted", "refused": "Refused"},
        _unstored,
        "Revocation is news, and news must be kept somewhere and reach whoever decides. Every design here that refuses the "
        "copy either asks, or was told, or remembers. Those that accept it have not heard yet, or never will.",
        (LAB, Link("/lab/designs", "All the designs side by side")),
    ),
    Question(
        "Q4",
        "After Sign Out I have to sign in again",
        "This is what a person expects of the button: whatever was open, in whichever tab, whoever kept a copy of the cookie.",
        "Somebody copied the session cookie before the sign-out, and opens a page with it after. What do they get?",
        {"page": "The page, as before", "sign-in": "They have to sign in"},
        _again,
        "The cookie only points at a session, and the page asks for that session each time. On this site the Back button "
        "and other open tabs lead to the sign-in as well: sign out in one tab and watch the others.",
        (SIGN_OUT, DEVICES, Link("/signed-out", "What is left after a sign-out")),
    ),
    Question(
        "Q5",
        "Clearing the token is the client’s job alone",
        "Many sites sign out by deleting the token from the browser. For an honest person in front of an honest browser that "
        "looks like signing out.",
        "The browser deletes its tokens and tells nobody. A copy was made before. Which designs accept the copy?",
        {"all": "All of them", "some": "Some of them", "none": "None of them"},
        _client_only,
        "No design can act on what it was never told. The best list and the fastest push are of no use if Sign Out does not "
        "reach the server.",
        (LAB, SIGN_OUT),
    ),
)
