"""A6 to A8, A19 and A21: where what is known about a session lies, and the ways in which it ends."""

from dataclasses import replace
from typing import Any

import jwt

from app.lab import lanes
from app.lab.costs.bars import many
from app.lab.evidence import Found, Grid, Row, Table, accepted, row
from app.lab.home.sessions import IDLE, LIFE, digest
from app.lab.questions.question import HOUR, bearers, read
from app.lab.run import Way
from app.lab.trial import Trial
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
    t = Trial()
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
        ("The JWT, opened", "; ".join(f"{name}: {_brief(value)}" for name, value in read["jwt"].items())),
        (
            "The opaque token, opened",
            "; ".join(read["opaque"]) or f"{words.shorten(tokens['opaque'])}, and nothing else",
        ),
    )
    says = f"Without any key {many(len(read['jwt']), 'claim')} could be read in the JWT, and {len(read['opaque'])} in the opaque token."
    return Found(choice, says, (Table("Both, presented while the server’s store is off", rows),), facts)


def _brief(value: object) -> str:
    text = str(value)
    return text if len(text) <= 16 else words.shorten(text)


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
        t = Trial()
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
    other = Trial()
    _end(other, way)
    began, last = other.time, 0
    while other.refresh("thief", "").accepted:
        last = other.time - began
        other.wait(min(HOUR, max(1, LIFE - 1 - (other.now))))
    refresh = other.time - began if last else 0
    return [(_COLUMNS[0], access), (_COLUMNS[1], refresh)]


def _four_cells() -> Found:
    t = Trial()
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
    t = Trial()
    expires = t.expires_at
    t.wait(expires - 1 - t.time)
    before = t.present(*every)
    t.wait(1)
    after = t.present(*every)
    good, late = len(accepted(before)), len(accepted(after))
    choice = "all" if good == len(every) and not late else "none" if late == len(every) else "some"
    says = f"{good} of {len(every)} designs accepted it a second before, and {late} in the second in which it expired."
    return Found(
        choice, says, (Table("A second before it expires", before), Table("In the second in which it expires", after))
    )


def _beside_the_token() -> Found:
    """Send a filter along with one request, and post a preference; look for both in all that the server stored."""
    t = Trial()
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


QUESTIONS = read(
    __name__, A6=_where_it_lies, A7=_three_ways, A8=_beside_the_token, A19=_four_cells, A21=_set_in_advance
)
