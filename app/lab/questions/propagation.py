"""A16 and A17: what else ends with a session, and how others get to know."""

from app.lab import logout
from app.lab.evidence import Found, Table, accepted
from app.lab.questions.question import read
from app.lab.run import Way
from app.lab.trial import Trial


def _what_hangs_on_it() -> Found:
    slugs = ("denylist-ask", "allowlist-ask", "status-list", "this-site", "cutoff-ask")
    t = Trial()
    t.do("let-in", "app")
    t.do("let-in", "lasting")
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
    t = Trial()
    t.wait(60)
    t.switch("push")
    t.wait(1)
    t.leave(Way.SIGN_OUT)
    t.wait(2)
    rows = t.present(*slugs)
    picture = t.draw(*slugs)
    told = logout.tell("lab", t.stage().held["thief"]["session"], since=t.time)
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


QUESTIONS = read(__name__, A16=_what_hangs_on_it, A17=_lost_message)
