"""A5: a refresh token that comes from another place than before, under each policy."""

from dataclasses import replace

from app.config import REACTIONS, settings
from app.identity import place, suspicion
from app.identity.browsers import Browser
from app.identity.place import PARTS, SIGN_IN, Place
from app.lab.evidence import Found, Grid, Row, row
from app.lab.questions.question import read
from app.lab.trial import Trial
from app.network import address

_COUNTRIES = {"192.0.2.0/24": "Norway", "198.51.100.0/24": "Norway", "203.0.113.0/24": "Portugal"}  # RFC 5737
_FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0"
_OWNER = Browser(_FIREFOX, "192.0.2.7")
_THIEVES = (
    ("claims to be the same browser, in the same network", Browser(_FIREFOX, "192.0.2.66")),
    ("comes from another network", Browser(_FIREFOX, "198.51.100.66")),
    ("comes from another country", Browser(_FIREFOX, "203.0.113.66")),
    ("claims to be another browser", Browser("curl/8.17.0", "192.0.2.66")),
)
_POLICIES = {"ignore": "ignore it", "note": "note it", "warn": "warn", "sign-in": "ask to sign in"}
_HERE = {
    "ignore": "nothing",
    "note": "a line in the activity",
    "warn": "a warning, which its owner answers with the password",
    "sign-in": "the end of the session, and a new sign-in",
}


def _elsewhere() -> Found:
    t = Trial()
    rows = [(what, [_refresh(t, thief, reaction) for reaction in REACTIONS]) for what, thief in _THIEVES]
    let_in = [cells[-1].accepted for _, cells in rows]
    alike, *strange = let_in
    choice = "all" if all(let_in) else "none" if not any(let_in) else "alike" if alike and not any(strange) else "some"
    mildest = sum(cells[0].accepted for _, cells in rows)
    says = f"Of {len(rows)} thieves the mildest policy let in {mildest}, and the strictest {sum(let_in)}."
    facts = tuple((f"On this site, another {part} leads to", _here(part)) for part in PARTS)
    note = "All addresses are kept for documentation, and a small map of the lab’s own says which country each is in."
    caption = "A refresh token of a Firefox in Norway, at 192.0.2.7, used by a thief"
    grid = Grid(caption, note, "the thief", list(_POLICIES.values()), rows)
    return Found(choice, says, facts=facts, grid=grid)


def _refresh(t: Trial, thief: Browser, reaction: str) -> Row:
    """Let the thief refresh in a session that knows its owner's place alone. The site's own rule judges the place."""
    stage, known = t.stage(), place.learn({}, _locate(_OWNER))
    judgement = place.judge(known, _locate(thief), dict.fromkeys(PARTS, reaction))
    if judgement.reaction == SIGN_IN:
        stage.sessions.end(stage.held["thief"]["session"])
    return replace(row(_POLICIES[reaction], stage.exchange("thief")), reaction=judgement.reaction)


def _locate(browser: Browser) -> Place:
    """Return the place of a browser as the site does, but by the map above."""
    return place.of(browser, _COUNTRIES.get(address.network(browser.address) or ""))


def _here(part: str) -> str:
    """Return what a new value of *part* leads to on this site."""
    unknown = part == "country" and settings().country_database is None
    return "nothing: it has no map of countries" if unknown else _HERE[suspicion.policy()[part]]


QUESTIONS = read(__name__, A5=_elsewhere)
