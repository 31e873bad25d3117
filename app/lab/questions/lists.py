"""A9 to A12: lists of what is over and of what is not, and how one gets onto them."""

from dataclasses import asdict

import jwt

from app.db import db
from app.lab.evidence import Found, Table, accepted
from app.lab.questions.question import COSTS, LAB, Link, Question, design
from app.lab.run import Run, Way
from app.lab.trial import Trial, trial
from app.revocation.checkers.denylist import Denylist
from app.revocation.entries import Entry
from app.revocation.log import LogEntry


def _leaving() -> Found:
    with trial() as t:
        t.leave(Way.SIGN_OUT)
        ended, until = t.present("denylist-ask"), t.run.laptop.access_until
        entry = _last_entry(t)
        t.wait(60 * 60)
        expired = t.present("denylist-ask", what="the copy, an hour later")
    checker = Denylist()
    checker.apply(entry)
    sizes = [len(checker)]
    for moment in (until - 60, until + 60):
        checker.forget(moment)
        sizes.append(len(checker))
    facts = (
        ("On the list after the sign-out", str(sizes[0])),
        ("A minute before the token expires", str(sizes[1])),
        ("A minute after it has expired", str(sizes[2])),
        ("The list that was asked lies in", ", ".join(ended[0].look_ups) or "nothing"),
    )
    says = f"{sizes[0]} entry was on the list after the sign-out, and {sizes[2]} a minute after the expiry."
    choice = "none" if sizes[2] == 0 else "stays"
    return Found(choice, says, (Table("The copy, presented to the denylist", [*ended, *expired]),), facts)


def _last_entry(t: Trial) -> Entry:
    row = db.session.get_one(LogEntry, t.run.entries[-1][0])
    return row.entry()


def _by_name() -> Found:
    """Refresh twice, so that three access tokens are about; then end the session by its id, and present all three."""
    with trial() as t:
        tokens, refresh = [t.pocket.access], t.pocket.refresh
        for _ in range(2):
            newer = t.refresh(refresh, "refresh")[1]
            tokens, refresh = [*tokens, newer.access], newer.refresh
        claims = [jwt.decode(token, options={"verify_signature": False}) for token in tokens]
        stored = str(asdict(t.run.laptop))
        t.leave(Way.ELSEWHERE)
        rows = [
            t.present("denylist-push", token=token, what=f"access token {number} of {len(tokens)}")[0]
            for number, token in enumerate(tokens, 1)
        ]
    known = sum(claim["jti"] in stored for claim in claims)
    choice = "none" if not accepted(rows) else "some" if any(not row.accepted for row in rows) else "all"
    facts = (
        ("Token ids (jti) that the server has stored", f"{known} of {len(claims)}"),
        ("Session ids (sid) that the tokens carry", f"{len({claim['sid'] for claim in claims})}, the same in each"),
        ("Entries written", "1, which names the session"),
    )
    says = f"One entry ended {sum(not row.accepted for row in rows)} of {len(rows)} tokens; the server had noted the ids of {known}."
    return Found(choice, says, (Table("Every access token of the session", rows),), facts)


def _told() -> Found:
    with trial() as t:
        t.wait(90)
        t.leave(Way.SIGN_OUT)
        rows = t.present("denylist-push", "denylist-poll")
        picture = t.draw("denylist-push", "denylist-poll")
    told, polls = rows
    choice = {(False, True): "told", (False, False): "both", (True, True): "neither"}.get(
        (told.accepted, polls.accepted), "polls"
    )
    says = (
        f"Just after the sign-out the one that is told answered {told.status}, and the one that polls {polls.status}."
    )
    return Found(choice, says, (Table("The copy, in the second of the sign-out", rows),), picture=picture)


def _unheard() -> Found:
    with trial() as t:
        before = t.present("allowlist-ask", what="good")
        t.leave(Way.SIGN_OUT)
        after = t.present("allowlist-ask", what="after the sign-out")
    with trial() as t:
        t.change(_lose_the_news)
        rows = t.present("allowlist-push", "denylist-push")
    tables = (
        Table("Asked at each request", [*before, *after]),
        Table("A good token of a session of which no news came", rows),
    )
    says = (
        f"The allowlist answered {rows[0].status} to the good token, and a denylist that was as deaf {rows[1].status}."
    )
    return Found("accepted" if rows[0].accepted else "refused", says, tables)


def _lose_the_news(run: Run) -> None:
    run.entries = [(position, at, False) for position, at, _ in run.entries]


QUESTIONS = (
    Question(
        "A9",
        "A denylist holds only what was revoked, and only until it would have expired",
        "A token that has expired is refused by its own expiry, so there is no reason to remember that it was revoked. In "
        "Redis an entry is given a time to live; in memory it is let go of.",
        "A session is signed out. How many entries are left of it a minute after its last token has expired?",
        {"stays": "One, for ever", "none": "None"},
        _leaving,
        "So the list is as long as what is revoked within one token’s life, and no longer. The revocation log is another "
        "matter: there every entry stays, since the log is the record and the list only a memory.",
        (design("denylist-ask", "The denylist in a shared store"), COSTS),
    ),
    Question(
        "A10",
        "To put a token on a list one must know it",
        "A server that never wrote down which tokens it issued cannot list their ids. But a token can carry the name of "
        "something larger, and that can be listed.",
        "A laptop is lost with three access tokens of one session. The server has noted none of them. Which are still "
        "accepted after it ends the session by name?",
        {"all": "All: it does not know them", "some": "All but the newest", "none": "None"},
        _by_name,
        "Each token carries its session’s id, and the list names the session. Revoking by what a token carries needs no list "
        "of issued tokens; revoking by token id would need one.",
        (LAB, Link("/devices", "End one of your own sessions by name")),
    ),
    Question(
        "A11",
        "Whoever subscribes is told of each revocation",
        "Instead of asking, a verifier can be told. It keeps a list in memory and is sent each new entry.",
        "One verifier is told, another fetches the list every minute. A copy is presented in the very second of the "
        "sign-out. Who refuses it?",
        {"told": "Only the one that is told", "polls": "Only the one that polls", "both": "Both", "neither": "Neither"},
        _told,
        "Being told makes the exposure as short as the message takes. It also makes the message precious: what if it is lost "
        "is the last question of this path. Where this site runs with relying parties (make demo), the lab presents the copy "
        "to them too: processes of their own that know only this site’s address, and are told.",
        (design("denylist-push", "The denylist, pushed"), LAB),
    ),
    Question(
        "A12",
        "An allowlist accepts only what it can find",
        "Each token carries an id, and a list has the ids of all sessions that go on. Signing out takes the line away. What is "
        "not on the list is refused, for whatever reason it is missing.",
        "A session begins, but the news of it does not reach the verifier. Its first token is good. What does the allowlist say?",
        {"accepted": "Accepted", "refused": "Refused"},
        _unheard,
        "An allowlist errs on the side of refusing, a denylist on the side of accepting. When news is lost, one locks out "
        "people who did nothing, and the other lets in tokens that are over.",
        (design("allowlist-ask", "The allowlist, asked"), design("allowlist-push", "The allowlist, pushed"), COSTS),
    ),
)
