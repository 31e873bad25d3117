"""A9 to A12: lists of what is over and of what is not, and how one gets onto them."""

import jwt

from app.lab.costs.bars import many
from app.lab.evidence import Found, Table, accepted, row
from app.lab.player import ACCESS_LIFE, Stage
from app.lab.questions.question import read
from app.lab.run import Way
from app.lab.trial import Trial


def _leaving() -> Found:
    t = Trial()
    t.leave(Way.SIGN_OUT)
    sizes = [_on_the_list(t.stage("denylist-ask"))]
    ended = t.present("denylist-ask", what="the copy")
    for seconds in (ACCESS_LIFE - 60, 120):
        t.wait(seconds)
        sizes.append(_on_the_list(t.stage("denylist-ask")))
    expired = t.present("denylist-ask", what="the copy, a minute after it has expired")
    facts = (
        ("On the list after the sign-out", str(sizes[0])),
        ("A minute before the last token expires", str(sizes[1])),
        ("A minute after it has expired", str(sizes[2])),
    )
    says = f"{many(sizes[0], 'line')} on the list after the sign-out, {sizes[2]} a minute after the expiry."
    choice = "none" if sizes[2] == 0 else "stays"
    return Found(choice, says, (Table("The copy, presented to the denylist", [*ended, *expired]),), facts)


def _on_the_list(stage: Stage) -> int:
    """Return how many lines the denylist of a story has now."""
    return sum(name.startswith("over:") and stage.now < until for name, (_, until) in stage.world.store.rows.items())


def _by_name() -> Found:
    """Refresh twice, so that three access tokens are about; then end the session by its id, and present all three."""
    t = Trial()
    tokens, listed = list[str](), list[str]()
    for _ in range(3):
        t.wait(10)
        t.refresh("laptop", "")
        tokens.append(t.stage("denylist-push").held["laptop"]["access"])
        listed.append(_claims(t.stage("allowlist-ask").held["laptop"]["access"])["jti"])
    stored, ids = (str(t.stage(slug).world.store.rows) for slug in ("denylist-push", "allowlist-ask"))
    t.leave(Way.ELSEWHERE)
    stage = t.stage("denylist-push")
    rows = [
        row(f"access token {number} of {len(tokens)}", stage.check(token), slug="denylist-push", over=True)
        for number, token in enumerate(tokens, 1)
    ]
    known, sids = sum(token in stored for token in tokens), {_claims(token)["sid"] for token in tokens}
    choice = "none" if not accepted(rows) else "some" if any(not found.accepted for found in rows) else "all"
    facts = (
        ("Access tokens that this server has stored", f"{known} of {len(tokens)}"),
        ("Session ids (sid) that they carry", f"{len(sids)} in {len(tokens)} tokens"),
        ("Messages that named it", str(stage.spent["elsewhere"]["messages"])),
        ("For comparison, ids that an allowlist has stored", f"{sum(jti in ids for jti in listed)} of {len(listed)}"),
    )
    over = sum(not found.accepted for found in rows)
    says = f"One session id ended {over} of {len(rows)} tokens, of which the server had stored {known}."
    return Found(choice, says, (Table("Every access token of the session", rows),), facts)


def _claims(token: str) -> dict[str, str]:
    claims: dict[str, str] = jwt.decode(token, options={"verify_signature": False})
    return claims


def _told() -> Found:
    t = Trial()
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


def _forgotten() -> Found:
    """The store of each list restarts empty. The phone is signed in, and the laptop was signed out."""
    t = Trial()
    before = t.present("allowlist-ask", whose="phone", what="the phone’s token")
    t.leave(Way.SIGN_OUT)
    lists = {slug: t.stage(slug) for slug in ("allowlist-ask", "denylist-ask")}
    for stage in lists.values():
        stage.world.store.rows.clear()
    good = [row("the phone’s token, which is good", stage.present("phone"), slug=slug) for slug, stage in lists.items()]
    ended = [
        row("the copy, which was signed out", stage.present(), slug=slug, over=True) for slug, stage in lists.items()
    ]
    tables = (Table("Before", before), Table("After the store has lost its content", [*good, *ended]))
    says = (
        f"The empty allowlist answered {good[0].status} to the good token, and the empty denylist {ended[1].status} to the"
        " copy that was signed out."
    )
    return Found("accepted" if good[0].accepted else "refused", says, tables)


QUESTIONS = read(__name__, A9=_leaving, A10=_by_name, A11=_told, A12=_forgotten)
