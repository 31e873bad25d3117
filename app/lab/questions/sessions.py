"""A6 to A8: where what is known about a session lies, and the three ways in which it ends."""

import secrets
from dataclasses import asdict, replace

import jwt

from app.lab import bearer, issuer, lanes
from app.lab.bench import find
from app.lab.designs import ALL, Fault
from app.lab.evidence import Found, Table
from app.lab.lanes import Picture
from app.lab.questions.question import LAB, SIGN_OUT, Link, Question, design
from app.lab.run import Way
from app.lab.trial import trial
from app.web import words

_WAYS = {Way.CLIENT: "The client deletes it", Way.EXPIRY: "It expires", Way.SIGN_OUT: "The server revokes it"}


def _where_it_lies() -> Found:
    with trial() as t:
        read = {name: _read(token) for name, token in (("jwt", t.pocket.access), ("opaque", t.pocket.opaque))}
        t.switch(Fault.STORE)
        rows = t.present("denylist-push", "session")
    legible = [name for name, found in read.items() if found]
    choice = {("jwt",): "jwt", ("opaque",): "opaque", ("jwt", "opaque"): "both"}.get(tuple(legible), "neither")
    facts = (
        ("The JWT, opened", "; ".join(f"{name}: {value}" for name, value in read["jwt"].items())),
        (
            "The opaque token, opened",
            "; ".join(read["opaque"]) or f"{words.shorten(t.pocket.opaque)}, and nothing else",
        ),
    )
    says = f"Without any key {len(read['jwt'])} claims could be read in the JWT, and {len(read['opaque'])} in the opaque token."
    return Found(choice, says, (Table("Both, presented while the server’s store is off", rows),), facts)


def _read(token: str) -> dict[str, object]:
    try:
        claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    except jwt.DecodeError:
        return {}
    return {name: claims[name] for name in ("sub", "sid", "opened", "iat", "exp")}


def _three_ways() -> Found:
    """Do each after one minute on a run of its own, and look when this site's own design refuses the copy."""
    refused = {}
    for way in _WAYS:
        with trial() as t:
            t.wait(60)
            at = t.now
            if way is not Way.EXPIRY:
                t.leave(way)
            t.change(lambda run: setattr(run, "ended_at", issuer.now(run)))
            refused[way] = t.first_refusal("this-site") - at
            life = t.run.laptop.access_until - at
    at_once = [way.value for way, seconds in refused.items() if seconds == 0]
    choice = at_once[0] if len(at_once) == 1 else "all" if at_once else "none"
    told = [f"{_WAYS[way]}: accepted for another {words.clock(seconds)}" for way, seconds in refused.items()]
    return Found(choice, f"{'. '.join(told)}.", picture=_time_line(refused, life))


def _time_line(refused: dict[Way, int], life: int) -> Picture:
    rows = [{"slug": way.value, "first_refusal": seconds} for way, seconds in refused.items()]
    return lanes.draw_rows(
        rows, {way.value: replace(ALL["this-site"], name=name) for way, name in _WAYS.items()}, 0, life
    )


def _beside_the_token() -> Found:
    wish = f"by-name-{secrets.token_hex(4)}"
    with trial() as t:
        answer = t.get("/lab/api/client-data", t.pocket.opaque, sort=wish)
        before = t.present("client-data", what="the opaque token, with the wish beside it")
        here = find(t.name)
        kept = here is not None and wish in str({**asdict(t.run), "row": here.run})
        t.leave(Way.SIGN_OUT)
        after = t.present("client-data", what="the same, after the sign-out")
    facts = (
        ("Sent with the request", f"GET /lab/api/client-data?sort={wish}, answered {answer.status_code}"),
        ("Found in the server’s row", "the wish" if kept else "no trace of the wish"),
        ("Stored in the browser under", bearer.digest(t.pocket.opaque)[:12]),
    )
    says = (
        f"The wish was {'' if kept else 'not '}in the server’s row; after the sign-out the token got {after[0].status}."
    )
    return Found("kept" if kept else "passing", says, (Table("The token that points at it", [*before, *after]),), facts)


QUESTIONS = (
    Question(
        "A6",
        "An opaque token points at a session; a JWT is one",
        "With an opaque token the session lies at the server and the browser holds a reference. With a JWT the session lies in "
        "the browser, signed so that it cannot be changed.",
        "Somebody finds both tokens of a session, and has no key. In which can they read what it says about the session?",
        {"jwt": "In the JWT", "opaque": "In the opaque token", "both": "In both", "neither": "In neither"},
        _where_it_lies,
        "The JWT is open to anybody who holds it, and needs no server to be understood: that is stateless. The opaque token is "
        "worth nothing without the row that it points at, and ends when that row does: that is stateful.",
        (design("session", "A session at the server"), Link("/", "Read your own token, claim by claim"), LAB),
    ),
    Question(
        "A7",
        "A session ends in three ways: the client deletes it, it expires, or the server revokes it",
        "All three look the same to the person in front of the browser. They do not look the same to somebody who kept a copy.",
        "Each happens after one minute of a token’s five. In which case is a copy refused at once?",
        {
            "client": "The client deletes it",
            "expiry": "It expires",
            "sign-out": "The server revokes it",
            "all": "In all of them",
        },
        _three_ways,
        "A copy knows nothing of what its original’s holder does. Only the server can reach every copy, and only if whoever "
        "decides hears of it. Expiry reaches them all too, late but surely.",
        (LAB, SIGN_OUT),
    ),
    Question(
        "A8",
        "Data can stay in the browser, and an opaque token can point at it",
        "A preference, such as how a list is sorted, need not be in a token nor at the server. It lies in the browser’s "
        "storage under the token’s name, and goes along with a request that needs it.",
        "A wish is sent with a request, beside the opaque token. Does the server keep it?",
        {"kept": "Yes, in its row of the session", "passing": "No, it only passes through"},
        _beside_the_token,
        "The token stays small and says nothing, and the data never needs revoking: without the token nobody is answered. "
        "Sign Out on this site tells the browser to empty its storage, so both go together.",
        (design("client-data", "The design"), SIGN_OUT),
        also="lab/_preference.html",
    ),
)
