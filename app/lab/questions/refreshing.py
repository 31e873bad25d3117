"""A1 to A4: two kinds of tokens, and the refresh token that holds a session together."""

from app import clock
from app.identity.session import Session
from app.lab.evidence import Found, Row, Table
from app.lab.questions.question import COSTS, DEVICES, LAB, Link, Question, design
from app.lab.run import SESSION_SECONDS, Way
from app.lab.trial import trial
from app.web import words


def _formats() -> Found:
    with trial() as t:
        good = t.present("denylist-ask", "introspection")
        t.leave(Way.SIGN_OUT)
        ended = t.present("denylist-ask", "introspection", "expiry")
    jwt, opaque = (len(row.look_ups) for row in good)
    choice = "same" if jwt == opaque else "jwt" if jwt < opaque else "opaque"
    refused = sum(not row.accepted for row in ended[:2])
    says = f"Look-ups for the JWT: {jwt}, for the opaque token: {opaque}. After the sign-out {refused} of the 2 were refused."
    tables = (Table("Both tokens of one session, good", good), Table("After the sign-out", ended))
    return Found(choice, says, tables)


def _half_an_hour() -> Found:
    """One request a minute. Only an expired token leads to the issuer, which looks into its table."""
    accepted = looks = 0
    with trial() as t:
        held, begin, rows = t.pocket, t.now, []
        for minute in range(30):
            at = begin + 60 * minute
            row = t.present("expiry", token=held.access, at=at)[0]
            if row.status == 401:
                t.wait(at - t.now)
                used, held = t.refresh(held.refresh, f"refresh after {minute} minutes")
                rows.append(used)
                looks += 1
                row = t.present("expiry", token=held.access, at=at)[0]
            accepted += row.accepted
            looks += len(row.look_ups)
        t.leave(Way.SIGN_OUT)
        rows.append(t.refresh(held.refresh, "refresh after the sign-out")[0])
    choice = "never" if not looks else "refresh" if looks < accepted else "request"
    says = f"{accepted} requests were accepted with {looks} look-ups."
    return Found(choice, says, (Table("The refreshes, at POST /lab/token", rows),))


def _three_ends() -> Found:
    rows = []
    for way, told in ((Way.SIGN_OUT, "signed out"), (Way.ELSEWHERE, "ended from another device")):
        with trial() as t:
            t.leave(way)
            rows.append(t.refresh(t.pocket.refresh, told)[0])
    with trial() as t:
        t.wait(SESSION_SECONDS)
        rows.append(t.refresh(t.pocket.refresh, "timed out after its longest life")[0])
    rows.append(_idle())
    good = sum(row.accepted for row in rows)
    choice = "none" if not good else "all" if good == len(rows) else "some"
    says = f"The refresh token was refused in {len(rows) - good} of {len(rows)} cases."
    return Found(choice, says, (Table("A refresh token, presented after its session was over", rows),))


def _idle() -> Row:
    """Ask the site's own rule about a session that nobody has used until its idle time-out."""
    now = clock.now()
    state = Session(idle_until=now, expires_at=now + 1, ended_entry=None).state(now)
    accepted = state.value == "live"
    why = f"The site’s own rule says: {state.value}, {words.reason(state.value)}."
    return Row("not used for too long", 200 if accepted else 400, accepted=accepted, over=True, why=why)


def _reuse() -> Found:
    with trial() as t:
        before, newer = t.refresh(t.pocket.refresh, "the person refreshes")
        thief = t.refresh(t.pocket.refresh, "the thief uses the old one")[0]
        after = t.refresh(newer.refresh, "the person refreshes again")[0]
        phone = t.present("this-site", token=t.run.phone_access, what="the person’s phone")[0]
    spared = {"nothing": thief, "request": after, "session": phone}  # whoever is the first to be spared
    choice = next((name for name, row in spared.items() if row.accepted), "everything")
    says = f"The thief got {thief.status}, and after that the person’s own newer token got {after.status}; the phone got {phone.status}."
    return Found(choice, says, (Table("In this order", [before, thief, after, phone]),))


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
        "A session should end when its person says so, when nobody uses it, after a longest life, and when it is ended from "
        "another device.",
        "A copy of the refresh token is presented after each of these ends. Where is it still accepted?",
        {"none": "Nowhere", "some": "Where nobody told the server", "all": "Everywhere"},
        _three_ends,
        "Whoever presents the token learns the same each time: invalid_grant. The person learns more: the devices page names "
        "the reason for every session that is over. A time-out needs nobody to tell the server; it is written down in advance.",
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
)
