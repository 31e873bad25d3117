"""A1 to A4, and A18: two kinds of tokens, and the refresh token that holds a session together."""

from collections.abc import Callable

from app.lab.evidence import Found, Row, Table
from app.lab.home.sessions import IDLE, LIFE
from app.lab.questions.question import COSTS, DEVICES, HOUR, LAB, Link, Question, asked, design, row, some
from app.lab.run import Way
from app.lab.trial import Trial, trial
from app.web import words


def _formats() -> Found:
    with trial() as t:
        good = t.present("denylist-ask", "introspection")
        t.leave(Way.SIGN_OUT)
        ended = t.present("denylist-ask", "introspection", "expiry")
    jwt, opaque = (asked(found) for found in good)
    choice = "same" if jwt == opaque else "jwt" if jwt < opaque else "opaque"
    refused = sum(not found.accepted for found in ended[:2])
    says = f"Look-ups for the JWT: {jwt}, for the opaque token: {opaque}. After the sign-out {refused} of the 2 were refused."
    tables = (Table("Both tokens of one session, good", good), Table("After the sign-out", ended))
    return Found(choice, says, tables)


def _half_an_hour() -> Found:
    """One request a minute. Only an expired token leads to the issuer, which looks into its table."""
    requests, refreshes = list[Row](), list[Row]()
    with trial() as t:
        for minute in range(30):
            t.wait(60 * (minute > 0))
            (found,) = t.present("expiry", whose="laptop")
            if found.status == 401:
                refreshes.append(t.refresh("laptop", f"refresh after {minute} minutes"))
                (found,) = t.present("expiry", whose="laptop")
            requests.append(found)
        t.leave(Way.SIGN_OUT)
        over = t.refresh("thief", "refresh after the sign-out")
    at_requests, at_refreshes = (sum(asked(found) for found in rows) for rows in (requests, refreshes))
    choice = "request" if at_requests else "refresh" if at_refreshes else "never"
    says = (
        f"{some(sum(found.accepted for found in requests), 'request')} made {some(at_requests, 'look-up')};"
        f" the {len(refreshes)} refreshes between them made {at_refreshes}."
    )
    return Found(choice, says, (Table("The refreshes, at the token endpoint", [*refreshes, over]),))


def _four_ends() -> Found:
    """End a session in each way, and present a copy of the refresh token in the next second."""
    ends: dict[str, Callable[[Trial], object]] = {
        "signed out": lambda t: t.leave(Way.SIGN_OUT),
        "ended from another device": lambda t: t.leave(Way.ELSEWHERE),
        f"not used for {words.span(IDLE)}": lambda t: t.wait(IDLE),
        f"used every hour, until {words.span(LIFE)} after the sign-in": _use_until_the_end,
    }
    rows = [_after(end, what) for what, end in ends.items()]
    lives = _after(lambda t: t.wait(IDLE - 1), "not ended yet by anything")
    good = sum(found.accepted for found in rows)
    choice = "none" if not good else "all" if good == len(rows) else "some"
    says = f"The refresh token was refused in {len(rows) - good} of {len(rows)} cases."
    tables = (Table("A refresh token, once its session was over", rows), Table("For comparison", [lives]))
    return Found(choice, says, tables)


def _after(end: Callable[[Trial], object], what: str) -> Row:
    with trial() as t:
        end(t)
        return t.refresh("thief", what)


def _use_until_the_end(t: Trial) -> None:
    for _ in range(HOUR, LIFE, HOUR):
        t.wait(HOUR)
        t.refresh("thief", "")
    t.wait(HOUR)


def _reuse() -> Found:
    """The person refreshes, the thief presents the old token, and the person the newer one: all on one stage."""
    with trial() as t:
        stage = t.stage("this-site")
    before = row("the person refreshes", stage.exchange("laptop"))
    newer = dict(stage.held["laptop"])
    thief = row("the thief uses the old one", stage.exchange("thief"))
    over = stage.has_ended(newer["session"])
    stage.held["laptop"] = newer
    after = row("the person refreshes again", stage.exchange("laptop"), over=over)
    phone = row("the person’s phone", stage.present("phone"))
    spared = {"nothing": thief, "request": after, "session": phone}  # the first that is spared says how far it went
    choice = next((name for name, found in spared.items() if found.accepted), "everything")
    says = f"The thief got {thief.status}, and after that the person’s own newer token got {after.status}; the phone got {phone.status}."
    return Found(choice, says, (Table("In this order", [before, thief, after, phone]),))


def _worth() -> Found:
    """The browser forgets. A thief uses the copied refresh token each hour, and about the last second of the session."""
    moments, rows, bought = (5 * 60, *range(HOUR, LIFE, HOUR), LIFE - 1, LIFE), list[Row](), list[Row]()
    with trial() as t:
        began = t.now
        t.leave(Way.CLIENT)
        for at in moments:
            t.wait(began + at - t.now)
            rows.append(t.refresh("thief", f"{words.clock(at)} after the sign-in"))
            if rows[-1].accepted:
                bought = t.present("this-site", what="the last access token that it bought")
    last = max((at for at, found in zip(moments, rows, strict=True) if found.accepted), default=0)
    choice = "session" if last > HOUR else "token" if last else "nothing"
    count = some(sum(found.accepted for found in rows), "access token")
    says = f"The copy bought {count}, the last one {words.clock(last)} after the sign-in."
    tables = (
        Table("The copied refresh token, at the token endpoint", rows),
        Table("Presented to this site’s verifier", bought),
    )
    return Found(choice, says, tables[: 1 + bool(bought)])


QUESTIONS = (
    Question(
        "A1",
        "JWT is a format, and to revoke one means a look-up at each request",
        "OAuth says how tokens are asked for, used and revoked, and leaves open what they look like. So the same session can "
        "have a JWT and an opaque token, side by side.",
        "Both are to be refused as soon as the session ends, by a verifier that asks each time. Which needs fewer look-ups?",
        {"jwt": "The JWT", "same": "Neither: as many for one as for the other", "opaque": "The opaque token"},
        _formats,
        "Once every request asks, the JWT saves nothing: its signature only spares the question who it is about. What it can "
        "still spare is the journey, if the news comes to the verifier instead.",
        (LAB, COSTS, design("introspection", "Introspection")),
    ),
    Question(
        "A2",
        "A short-lived JWT with a long-lived refresh token looks up only when refreshing",
        "The JWT is good for five minutes and is checked without asking. The refresh token is random, is kept by the server as "
        "a hash, and is asked about only when a new JWT is needed. This is how this site signs people in.",
        "A person opens a page every minute for half an hour. When does the server look something up?",
        {"request": "At each of the thirty requests", "refresh": "Only when the JWT has expired", "never": "Never"},
        _half_an_hour,
        "The look-up moved from each request to each refresh, and that is also where a sign-out is noticed. Between two "
        "refreshes it is not, unless something else brings the news; this site has something else.",
        (Link("/", "See your own tokens and their refreshes"), design("expiry", "Nothing but expiry"), LAB),
    ),
    Question(
        "A3",
        "A refresh token is ended by signing out, by a time-out, or from afar",
        "A session should end when its person says so, when it has been idle, after a longest life, and when it is ended from "
        "another device.",
        "A copy of the refresh token is presented after each of these ends. Where is it still accepted?",
        {"none": "Nowhere", "some": "Where the server was not told", "all": "Everywhere"},
        _four_ends,
        "The answer is the same each time: invalid_grant. Only the owner learns more: the devices page of this site names "
        "the reason for every session that is over. A time-out is written down in advance, so the server need not be told.",
        (DEVICES, Link("/activity", "See what happened to your account"), LAB),
    ),
    Question(
        "A4",
        "A refresh token is good for one use, and using an old one is taken for theft",
        "Each refresh gives a new refresh token and uses up the old one. If the old one is presented again, two people hold "
        "tokens of one session, and the server cannot tell which of them is the thief.",
        "The person refreshes. Then a thief presents the old refresh token. What ends?",
        {
            "nothing": "Nothing: the thief gets new tokens",
            "request": "Only the thief’s request fails",
            "session": "That one session, for both of them",
            "everything": "Every session of the person",
        },
        _reuse,
        "Both lose the session, and only the person can sign in again. Other devices are not touched. The site itself forgives "
        "the token just used for ten seconds, since two tabs may refresh at once.",
        (LAB, DEVICES, Link("/activity", "A reuse is told here")),
    ),
    Question(
        "A18",
        "A refresh token is worth an access token to its holder",
        "A refresh token opens no page. But its holder gets an access token for it, without a password.",
        "A browser deletes its tokens and does not tell the server. A thief copied the refresh token before. What can the thief buy?",
        {
            "nothing": "Nothing: it is no access token",
            "token": "Access tokens for the five minutes that the copied one would have lived",
            "session": "Access tokens for hours, until the session ends by itself",
        },
        _worth,
        "The time that counts is the session’s, not the access token’s. A short-lived access token limits what a copy of it "
        "is worth; only the server can end what a copied refresh token is worth.",
        (Link("/lab/path/Q5", "Clearing the token on the client"), Link("/lab/path/A4", "When both use it"), LAB),
    ),
)
