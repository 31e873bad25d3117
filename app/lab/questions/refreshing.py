"""A1 to A4, and A18: two kinds of tokens, and the refresh token that holds a session together."""

from collections.abc import Callable

from app.lab.costs.bars import many
from app.lab.evidence import Found, Row, Table, row
from app.lab.home.sessions import IDLE, LIFE
from app.lab.questions.question import HOUR, asked, read
from app.lab.run import Way
from app.lab.trial import Trial
from app.web import words


def _formats() -> Found:
    t = Trial()
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
    t = Trial()
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
        f"{many(sum(found.accepted for found in requests), 'request')} made {many(at_requests, 'look-up')};"
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
    t = Trial()
    end(t)
    return t.refresh("thief", what)


def _use_until_the_end(t: Trial) -> None:
    for _ in range(HOUR, LIFE, HOUR):
        t.wait(HOUR)
        t.refresh("thief", "")
    t.wait(HOUR)


def _reuse() -> Found:
    """The person refreshes, the thief presents the old token, and the person the newer one: all on one stage."""
    t = Trial()
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
    t = Trial()
    began = t.time
    t.leave(Way.CLIENT)
    for at in moments:
        t.wait(began + at - t.time)
        rows.append(t.refresh("thief", f"{words.clock(at)} after the sign-in"))
        if rows[-1].accepted:
            bought = t.present("this-site", what="the last access token that it bought")
    last = max((at for at, found in zip(moments, rows, strict=True) if found.accepted), default=0)
    choice = "session" if last > HOUR else "token" if last else "nothing"
    count = many(sum(found.accepted for found in rows), "access token")
    says = f"The copy bought {count}, the last one {words.clock(last)} after the sign-in."
    tables = (
        Table("The copied refresh token, at the token endpoint", rows),
        Table("Presented to this site’s verifier", bought),
    )
    return Found(choice, says, tables[: 1 + bool(bought)])


QUESTIONS = read(__name__, A1=_formats, A2=_half_an_hour, A3=_four_ends, A4=_reuse, A18=_worth)
