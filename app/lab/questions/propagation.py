"""A16 and A17: what else ends with a session, and how others get to know."""

from app.lab import logout
from app.lab.evidence import Found, Table, accepted
from app.lab.questions.question import DEVICES, LAB, Link, Question, design
from app.lab.run import Way
from app.lab.trial import trial


def _what_hangs_on_it() -> Found:
    slugs = ("denylist-ask", "allowlist-ask", "status-list", "this-site", "cutoff-ask")
    with trial() as t:
        t.let_in("app")
        t.let_in("lasting")
        t.leave(Way.SIGN_OUT)
        hung = [
            *t.present("this-site", what="its access token"),
            *t.present("introspection", what="its opaque token"),
            t.page("its session cookie"),
            t.refresh("thief", "its refresh token"),
            *t.present("this-site", whose="app", what="an app that it had let in"),
        ]
        apart = t.present("this-site", whose="lasting", what="an app that it had let in for longer")
        phone = t.present(*slugs, whose="phone")
    refused = set(slugs) - accepted(phone)
    choice = "on" if not refused else "ended" if len(refused) == len(slugs) else "mostly"
    over = sum(not row.accepted for row in hung)
    says = f"{over} of {len(hung)} things that hung on the laptop’s session were refused; the phone went on under {len(slugs) - len(refused)} of {len(slugs)} designs."
    tables = (
        Table("What hung on the laptop’s session", hung),
        Table("What was given to outlive it", apart),
        Table("The phone, signed in as the same person", phone),
    )
    return Found(choice, says, tables)


def _lost_message() -> Found:
    slugs = ("denylist-push", "this-site")
    with trial() as t:
        t.wait(60)
        t.switch("push")
        t.wait(1)
        t.leave(Way.SIGN_OUT)
        t.wait(2)
        rows = t.present(*slugs)
        picture = t.draw(*slugs)
        told = logout.tell("lab", t.stage().held["thief"]["session"], since=t.now)
    still = accepted(rows)
    choice = (
        "neither" if not still else "both" if len(still) == 2 else "listener" if "denylist-push" in still else "site"
    )
    got = next((row for row in told if row.accepted), None)
    says = (
        f"{len(still)} of 2 still accepted the copy two seconds after the sign-out whose message was lost. An app that was "
        f"down for a minute got its message {got.what if got else 'never'}."
    )
    tables = (
        Table("The copy, after a message that was lost", rows),
        Table("A logout message to an app that is down for a minute", told),
    )
    return Found(choice, says, tables, picture=picture)


QUESTIONS = (
    Question(
        "A16",
        "Ending a session ends all that hangs on it, and only that",
        "On a session hang a refresh token, its access tokens, perhaps a cookie and the apps that were let in under it. Ending "
        "it should end all of these. It should not end the same person’s other sessions, nor an app that was let in for longer.",
        "A person signs out on the laptop. What becomes of the phone, where they are signed in too?",
        {
            "on": "It goes on under every design",
            "mostly": "It goes on, except where only one time for each person is kept",
            "ended": "It is signed out under every design",
        },
        _what_hangs_on_it,
        "The entry names the session, and everything that hangs on it carries the session’s name; an app has a session of its "
        "own, which gets an entry of its own in the same transaction. A design that keeps one time for each person cannot tell "
        "two sessions apart, so it signs out the phone as well.",
        (DEVICES, LAB, design("cutoff-ask", "The global logout time")),
    ),
    Question(
        "A17",
        "Registered servers are sent a message when a session ends",
        "Being told beats asking, as long as the message arrives. Servers are restarted, and networks are cut, mostly at the "
        "wrong moment.",
        "The push channel is cut, and then a person signs out. Two seconds later the copy is presented to a verifier that only "
        "listens, and to one as this site has. Which of them still accepts it?",
        {
            "both": "Both",
            "listener": "The one that only listens",
            "site": "The one as this site has",
            "neither": "Neither",
        },
        _lost_message,
        "A message that may be lost can only be a wake-up. This site’s nodes read the log by themselves several times in each "
        "lease, trust nothing older, and Sign Out waits until each of them has confirmed. An app elsewhere cannot be waited for, so "
        "it gets a signed message (OpenID Connect Back-Channel Logout) from an outbox that is written together with the end of "
        "the session, again and again until it answers; by its id it can tell a repetition.",
        (
            design("this-site", "What this site does"),
            design("denylist-push", "The denylist, pushed"),
            Link("/activity", "See what apps were told of your own sign-outs"),
        ),
    ),
)
