"""Q1 to Q5: the JWT that no verifier asks about, and what Sign Out can do to it."""

from urllib.parse import parse_qs

import httpx

from app.lab import revoke
from app.lab.evidence import Found, Row, Table, accepted, exchange
from app.lab.questions.question import DEVICES, HOUR, LAB, SIGN_OUT, Link, Question, asked, bearers, design, some
from app.lab.run import Way
from app.lab.trial import trial


def _stateless() -> Found:
    with trial() as t:
        rows = t.present("expiry", "denylist-ask", "session")
    none, *others = (asked(row) for row in rows)
    says = f"The verifier made {some(none, 'look-up')}. The two that ask made {others[0]} and {others[1]}."
    choice = "one" if none == 1 else "more" if none else "none"
    return Found(choice, says, (Table("A good token, presented to three verifiers", rows),))


def _endpoint() -> Found:
    """Send the request as a stranger, and use the token; then as the client, and use the newer token twice."""
    with trial() as t:
        stranger = t.send("/lab/revoke")
        spared = t.refresh("thief", "the refresh token, after the stranger’s request")
        answer = t.send("/lab/revoke", auth=revoke.credentials(), data={"token_type_hint": "refresh_token"})
        once, again = (t.refresh("thief", what) for what in ("the revoked refresh token", "and once more"))
        unknown = t.send("/lab/revoke", auth=revoke.credentials(), data={"token": "unknown"})
    uses = [once.accepted, again.accepted].count(True)
    says = (
        f"The endpoint answered {stranger.status_code} to a stranger and {answer.status_code} to the client; after that"
        f" the token was good for {some(uses, 'use')}."
    )
    asked_for = [
        _row("a stranger, without the client’s credentials", stranger.status_code, stranger.text),
        _row("the client", answer.status_code, answer.text),
        _row("the client, about a token that was never issued", unknown.status_code, unknown.text),
    ]
    tables = (
        Table("Who asks the revocation endpoint", asked_for),
        Table("The copy at the token endpoint", [spared, once, again]),
    )
    return Found(("nothing", "once", "on")[uses], says, tables, exchange=exchange(answer, _sent(answer)))


def _sent(answer: httpx.Response) -> str:
    return parse_qs(answer.request.content.decode())["token"][0]


def _row(what: str, status: int, body: str) -> Row:
    return Row(what, status, status == 200, over=False, why=body.strip() or "The answer is empty.")


def _unstored() -> Found:
    every = bearers()
    with trial() as t:
        t.wait(90)
        t.leave(Way.SIGN_OUT)
        rows = t.present(*every)
        picture = t.draw(*every)
    says = f"{len(accepted(rows))} of {len(rows)} designs still accepted the copy just after the sign-out."
    choice = "accepted" if "expiry" in accepted(rows) else "refused"
    return Found(choice, says, (Table("The copy, presented just after the sign-out", rows),), picture=picture)


def _again() -> Found:
    with trial() as t:
        before = t.page("the copied cookie, before")
        t.leave(Way.SIGN_OUT)
        after = t.page("the copied cookie, after")
    says = f"The page answered {before.status} before the sign-out, and {after.status} after it."
    choice = "page" if after.accepted else "sign-in"
    return Found(choice, says, (Table("A page behind a session cookie, asked for twice", [before, after]),))


def _client_only() -> Found:
    """The browser forgets, and nothing else happens: present all that was copied, now and an hour later."""
    every = bearers()
    with trial() as t:
        t.wait(60)
        t.leave(Way.CLIENT)
        rows, bound = t.present(*every), t.present("dpop")
        t.wait(HOUR)
        old = t.present("this-site", what="the copied access token")
        refreshed = t.refresh("thief", "the copied refresh token")
        cookie = t.page("the copied session cookie")
        bought = t.present("this-site", what="the access token that it bought")
    count = len(accepted(rows))
    choice = "all" if count == len(rows) else "some" if count else "none"
    good = [row.what for row in (refreshed, cookie) if row.accepted]
    says = (
        f"{count} of {len(rows)} designs accepted the copy. An hour later these were good: {', '.join(good) or 'none'}."
    )
    tables = (
        Table("The copied access token, after the browser forgot its own", rows),
        Table("Where a token is bound to a key that was not copied", bound),
        Table("An hour later", [*old, refreshed, *bought, cookie]),
    )
    return Found(choice, says, tables)


QUESTIONS = (
    Question(
        "Q1",
        "A JWT can be checked without asking",
        "A JWT carries what it says, and a signature over it. A verifier that knows the issuer’s public key can check both, on any "
        "machine, at any time. That is what people mean by stateless.",
        "A verifier that knows only the public key is shown a good token. How many look-ups does it make?",
        {"none": "None", "one": "One, for the session", "more": "Several"},
        _stateless,
        "The claim is true, and it is the root of the trouble. What is decided from the token alone cannot take into account "
        "what happened after the token was made.",
        (LAB, design("expiry", "The design that never asks")),
    ),
    Question(
        "Q2",
        "A Sign Out button can call a revocation endpoint",
        "RFC 7009 describes an endpoint to which a client says: this token is over. A Sign Out button can send that request "
        "before the browser forgets its tokens.",
        "The client sends its refresh token to the endpoint. What is a copy of it good for afterwards?",
        {"nothing": "Nothing", "once": "One more use", "on": "It goes on as before"},
        _endpoint,
        "The endpoint asks for the client’s credentials (RFC 7009, section 2.1): a stranger who found a token cannot sign "
        "its owner out. For a token that it does not know it answers 200, too: the token is over either way, and a client "
        "could do nothing sensible with an error (section 2.2).",
        (SIGN_OUT, Link("/lab/path/A22", "What the RFC requires of an access token"), LAB),
    ),
    Question(
        "Q3",
        "If nothing is stored, nothing can refuse a revoked token",
        "The server has ended the session, but a copy of the access token looks as good as before: the signature holds, and "
        "it has not expired.",
        "A verifier that stores nothing and hears nothing is shown the copy. What does it say?",
        {"accepted": "Accepted", "refused": "Refused"},
        _unstored,
        "Revocation is news, and news must be kept somewhere and reach the verifier. Every design here that refuses the "
        "copy asks, was told, or remembers. Those that accept it have not heard yet, or never will.",
        (LAB, Link("/lab/designs", "All the designs side by side")),
    ),
    Question(
        "Q4",
        "After Sign Out I have to sign in again",
        "This is what a person expects of the button, in every tab, and for every copy of the cookie.",
        "A thief copied the session cookie before the sign-out, and opens a page with it after. What does the thief get?",
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
        "The browser deletes its tokens and does not tell the server. A copy was made before. Which designs accept the copied access "
        "token?",
        {"all": "All that accept a token from any holder", "some": "Some of them", "none": "None of them"},
        _client_only,
        "No design can act on what it was never told. And the access token is the least of it: the copied refresh token and "
        "the copied session cookie go on until the session ends by itself, hours later. A token that is bound to a key "
        "helps in another way: the copy was never good.",
        (Link("/lab/path/A18", "How long a copied refresh token is good"), LAB, SIGN_OUT),
    ),
)
