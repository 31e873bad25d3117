"""A6 to A8, A19 and A21: where what is known about a session lies, and the ways in which it ends."""

from dataclasses import replace
from typing import Any

import jwt

from app.lab import lanes
from app.lab.evidence import Found, Grid, Row, Table, accepted
from app.lab.home.sessions import IDLE, LIFE, digest
from app.lab.questions.question import HOUR, LAB, SIGN_OUT, Link, Question, bearers, design, row, some
from app.lab.run import Way
from app.lab.trial import Trial, trial
from app.web import words

_WAYS = {Way.CLIENT: "The client deletes it", Way.EXPIRY: "It expires", Way.SIGN_OUT: "The server revokes it"}
_COLUMNS = ["access token", "refresh token", "session cookie"]
_CELLS = {  # a design for each
    "session": "an opaque token; the session lies at the server",
    "client-data": "an opaque token; data lies in the browser",
    "expiry": "a JWT; the session lies in it",
    "allowlist-ask": "a JWT; the session lies at the server",
}


def _where_it_lies() -> Found:
    with trial() as t:
        tokens = {
            "jwt": t.stage("this-site").held["thief"]["access"],
            "opaque": t.stage("session").held["thief"]["access"],
        }
        t.switch("store")
        rows = t.present("denylist-push", "session")
    read = {name: _read(token) for name, token in tokens.items()}
    legible = [name for name, found in read.items() if found]
    choice = {("jwt",): "jwt", ("opaque",): "opaque", ("jwt", "opaque"): "both"}.get(tuple(legible), "neither")
    facts = (
        ("The JWT, opened", "; ".join(f"{name}: {value}" for name, value in read["jwt"].items())),
        (
            "The opaque token, opened",
            "; ".join(read["opaque"]) or f"{words.shorten(tokens['opaque'])}, and nothing else",
        ),
    )
    says = f"Without any key {some(len(read['jwt']), 'claim')} could be read in the JWT, and {len(read['opaque'])} in the opaque token."
    return Found(choice, says, (Table("Both, presented while the server’s store is off", rows),), facts)


def _read(token: str) -> dict[str, object]:
    """Return every claim of a token that can be read without a key."""
    try:
        claims: dict[str, object] = jwt.decode(token, options={"verify_signature": False})
    except jwt.DecodeError:
        return {}
    return claims


def _three_ways() -> Found:
    """End a session in each way, and present all that was copied in that very second. Measure how long the copy lasts."""
    rows, exposed = list[tuple[str, list[Row]]](), list[tuple[str, str, int]]()
    for way, name in _WAYS.items():
        with trial() as t:
            _end(t, way)
            exposed += [(f"{way}-{what}", f"{name}: {what}", seconds) for what, seconds in _lasts(t, way)]
            cells = [*t.present("this-site", what=_COLUMNS[0]), t.refresh("thief", _COLUMNS[1]), t.page(_COLUMNS[2])]
            rows.append((name, cells))
    at_once = [
        way.value for way, (_, cells) in zip(_WAYS, rows, strict=True) if not any(cell.accepted for cell in cells)
    ]
    choice = {(): "none", ("expiry", "sign-out"): "two", tuple(_WAYS): "all"}.get(
        tuple(at_once), at_once[0] if at_once else "none"
    )
    longest = max(seconds for *_, seconds in exposed)
    says = f"In that second the copy was refused in {len(at_once)} of 3 ways. In the other a thief went on for {words.clock(longest)}."
    grid = Grid(
        "All that was copied, in the second of the end", "Decided by this site’s own code.", "the end", _COLUMNS, rows
    )
    return Found(choice, says, picture=lanes.draw(exposed, LIFE - 60, cut="The end"), grid=grid)


def _end(t: Trial, way: Way) -> None:
    if way is Way.EXPIRY:
        t.wait(IDLE)  # it is not used for so long
    else:
        t.wait(60)
        t.leave(way)


def _lasts(t: Trial, way: Way) -> list[tuple[str, int]]:
    """Measure for how many seconds from now on a thief is let in by the copied access token, and by the refresh token."""
    access = t.first_refusal("this-site")
    with trial() as other:
        _end(other, way)
        began, last = other.now, 0
        while other.refresh("thief", "").accepted:
            last = other.now - began
            other.wait(min(HOUR, max(1, LIFE - 1 - (other.now - other.run.began_at))))
        refresh = other.now - began if last else 0
    return [(_COLUMNS[0], access), (_COLUMNS[1], refresh)]


def _four_cells() -> Found:
    with trial() as t:
        good = t.present(*_CELLS)
        t.switch("store")
        silent = t.present(*_CELLS)
        t.switch("store")
        t.leave(Way.SIGN_OUT)
        ended = t.present(*_CELLS)
    still = accepted(silent)
    jwts = {"expiry", "allowlist-ask"}
    choice = "one" if still == {"expiry"} else "jwts" if still == jwts else "none" if not still else "other"
    says = f"With the store off {len(still)} of 4 accepted a good token; after the sign-out {len(accepted(ended))} of 4 accepted the copy."
    named = [
        Table(caption, [_named(found) for found in rows])
        for caption, rows in (
            ("A good token", good),
            ("The same, while the server’s store is off", silent),
            ("The copy, after the sign-out", ended),
        )
    ]
    return Found(choice, says, tuple(named))


def _named(found: Row) -> Row:
    return replace(found, what=_CELLS[found.slug])


def _set_in_advance() -> Found:
    """The person does not sign out, and every part that could bring news is off: present the copy about the second in which it expires."""
    every = bearers()
    with trial() as t:
        expires = t.run.expires_at
        t.wait(expires - 1 - t.now)
        before = t.present(*every, what="a second before it expires")
        t.wait(1)
        after = t.present(*every, what="in the second in which it expires")
    good, late = len(accepted(before)), len(accepted(after))
    choice = "all" if good == len(every) and not late else "none" if late == len(every) else "some"
    says = f"{good} of {len(every)} designs accepted it a second before, and {late} in the second in which it expired."
    return Found(choice, says, (Table("In its last second", before), Table("One second later", after)))


def _beside_the_token() -> Found:
    """Send a filter along with one request, and post a preference; look for both in all that the server stored."""
    with trial() as t:
        stage = t.stage("client-data")
        verifier: Any = stage.verifier
        token, phone = (stage.held[whose]["access"] for whose in ("thief", "phone"))
        whole, filtered = verifier.check(token), verifier.check(token, "pp")
        verifier.prefer(token, "by name")
        elsewhere = verifier.check(phone)
        kept = str(stage.world.store.rows)
        good = row("the opaque token", stage.check(token), slug="client-data")
        t.leave(Way.SIGN_OUT)
        ended = t.present("client-data", what="the same, after the sign-out")
    found = {"filter": "'pp'" in kept, "preference": "by name" in kept and elsewhere == sorted(whole)}
    choice = "both" if all(found.values()) else next((name for name, is_kept in found.items() if is_kept), "neither")
    facts = (
        ("Sent with a request: the filter “pp”", f"answered {', '.join(filtered)}, of {', '.join(whole)}"),
        ("Posted: the order “by name”", f"the phone, asking later, was answered {', '.join(elsewhere)}"),
        ("Stored in the browser under", digest(token)[:12]),
        (
            "Found in what the server stored",
            ", ".join(f"the {name}" for name, is_kept in found.items() if is_kept) or "neither",
        ),
    )
    says = f"The filter was {'' if found['filter'] else 'not '}kept, and the preference was {'' if found['preference'] else 'not '}kept. After the sign-out the token got {ended[0].status}."
    return Found(choice, says, (Table("The token that points at the session", [good, *ended]),), facts)


QUESTIONS = (
    Question(
        "A6",
        "An opaque token points at a session; a JWT is one",
        "With an opaque token the session lies at the server and the browser holds a reference. With a JWT the session lies in "
        "the browser, signed so that it cannot be changed.",
        "A stranger finds both tokens of a session, and has no key. In which can they read what it says about the session?",
        {"jwt": "In the JWT", "opaque": "In the opaque token", "both": "In both", "neither": "In neither"},
        _where_it_lies,
        "The JWT is open to its holder, and needs no server to be understood. The opaque token is worth nothing "
        "without the row that it points at, and ends when that row does. Whether a server is stateless is another matter: "
        "see whether it asks.",
        (
            Link("/lab/path/A19", "Both tokens with both kinds of session"),
            Link("/", "Read your own token, claim by claim"),
            LAB,
        ),
    ),
    Question(
        "A7",
        "A session ends in three ways: the client deletes it, it expires, or the server revokes it",
        "All three look the same to the person in front of the browser. They do not look the same to a thief who copied the "
        "tokens.",
        "In which of the three is everything that was copied refused from that second on?",
        {
            "sign-out": "Only when the server revokes it",
            "expiry": "Only when it expires",
            "two": "When it expires, and when the server revokes it",
            "all": "In all of them",
            "none": "In none of them",
        },
        _three_ways,
        "A copy knows nothing of what happens to its original. Expiry reaches every copy, and so does the server, if the "
        "verifier hears of it. A client that deletes its tokens reaches none: the copied refresh token goes on for hours.",
        (
            Link("/lab/path/A21", "Expiry, second by second"),
            Link("/lab/path/A18", "What the refresh token buys"),
            SIGN_OUT,
        ),
    ),
    Question(
        "A8",
        "Data can stay in the browser, and an opaque token can point at it",
        "How a list is sorted or filtered need not be in a token. It can lie in the browser’s storage under the token’s name: "
        "a filter goes along with a request that needs it, and what should last is posted to an endpoint.",
        "A filter is sent with a request, and a preference is posted. Which of them does the server keep?",
        {"preference": "The preference", "filter": "The filter", "both": "Both", "neither": "Neither"},
        _beside_the_token,
        "The token stays small and says nothing. The filter shapes one answer and is forgotten; the preference belongs to the "
        "account and outlives the session. What lies in the browser never needs revoking: without the token it opens "
        "nothing. Sign Out asks the browser to empty its storage, over https and on localhost. Over plain http browsers "
        "ignore that, and the data stays where it lies.",
        (design("client-data", "The design"), SIGN_OUT),
        also="lab/_preference.html",
    ),
    Question(
        "A19",
        "Both kinds of token can carry both kinds of session: it is the server that is stateless or not",
        "People call a JWT stateless and an opaque token stateful. Here the same session is put into four designs: each kind "
        "of token, once with and once without state at the server.",
        "The server’s store is switched off. Which of the four still accept a good token?",
        {
            "one": "Only the JWT whose session lies in it",
            "jwts": "Both JWTs",
            "other": "Others of them",
            "none": "None of them",
        },
        _four_cells,
        "A JWT whose session is looked up is as stateful as an opaque token. What decides is whether the server asks: then it "
        "can end a session, and needs its store. The one that does not ask goes on without its store, and without regard "
        "to a sign-out.",
        (
            design("allowlist-ask", "A JWT that is looked up"),
            design("client-data", "An opaque token with data in the browser"),
            LAB,
        ),
    ),
    Question(
        "A21",
        "Expiry is a revocation that was set in advance",
        "When a token is issued, its end is written into it, or into the row that it points at. No news of it has to be sent.",
        "The person does not sign out. The copy is presented in the second in which it expires. Which designs refuse it?",
        {"all": "All of them", "some": "Those that ask or are told", "none": "None of them"},
        _set_in_advance,
        "Every verifier knows that second beforehand, so no list, question or message is needed, and none can be lost. The "
        "price is that it cannot be moved forward: to sign out earlier takes one of the other ways.",
        (Link("/lab/path/A7", "The three ways on one time line"), Link("/lab/path/A15", "Short lives"), LAB),
    ),
)
