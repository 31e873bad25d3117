"""Q1 to Q5: the JWT that no verifier asks about, and what Sign Out can do to it."""

from urllib.parse import parse_qs

import httpx

from app.lab import revoke
from app.lab.costs.bars import many
from app.lab.evidence import Found, Row, Table, accepted, exchange, row
from app.lab.questions.question import HOUR, asked, bearers, bound, read
from app.lab.run import Way
from app.lab.trial import Trial


def _stateless() -> Found:
    t = Trial()
    rows = t.present("expiry", "denylist-ask", "session")
    none, *others = (asked(row) for row in rows)
    says = f"The verifier made {many(none, 'look-up')}. The two that ask made {others[0]} and {others[1]}."
    choice = "one" if none == 1 else "more" if none else "none"
    return Found(choice, says, (Table("A good token, presented to three verifiers", rows),))


def _endpoint() -> Found:
    """Send the request as a stranger, and use the token; then as the client, and use the newer token twice."""
    t = Trial()
    stranger = t.send("/lab/revoke")
    spared = t.refresh("thief", "the refresh token, after the stranger’s request")
    answer = t.send("/lab/revoke", auth=revoke.credentials(), data={"token_type_hint": "refresh_token"})
    once, again = (t.refresh("thief", what) for what in ("the revoked refresh token", "and once more"))
    unknown = t.send("/lab/revoke", auth=revoke.credentials(), data={"token": "unknown"})
    uses = [once.accepted, again.accepted].count(True)
    says = (
        f"The endpoint answered {stranger.status_code} to a stranger and {answer.status_code} to the client; after that"
        f" the token was good for {many(uses, 'use')}."
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
    t = Trial()
    t.wait(90)
    t.leave(Way.SIGN_OUT)
    rows = t.present(*every)
    picture = t.draw(*every)
    says = f"{len(accepted(rows))} of {len(rows)} designs still accepted the copy just after the sign-out."
    choice = "accepted" if "expiry" in accepted(rows) else "refused"
    return Found(choice, says, (Table("The copy, presented just after the sign-out", rows),), picture=picture)


def _again() -> Found:
    t = Trial()
    before = t.page("the copied cookie, before")
    t.leave(Way.SIGN_OUT)
    after = t.page("the copied cookie, after")
    says = f"The page answered {before.status} before the sign-out, and {after.status} after it."
    choice = "page" if after.accepted else "sign-in"
    return Found(choice, says, (Table("A page behind a session cookie, asked for twice", [before, after]),))


def _client_only() -> Found:
    """The browser forgets, and nothing else happens: present all that was copied, now and an hour later."""
    every = bearers()
    t = Trial()
    t.wait(60)
    t.leave(Way.CLIENT)
    rows, with_a_key = t.present(*every), t.present(*bound())
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
        Table("Where a token is bound to a key that was not copied", with_a_key),
        Table("An hour later", [*old, refreshed, *bought, cookie]),
        Table(
            "An hour later, what the copied refresh token buys without the key",
            [row("", t.stage(slug).buy(), slug=slug) for slug in bound()],
        ),
    )
    return Found(choice, says, tables)


QUESTIONS = read(__name__, Q1=_stateless, Q2=_endpoint, Q3=_unstored, Q4=_again, Q5=_client_only)
