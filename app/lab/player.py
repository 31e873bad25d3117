"""Play a story to a design: build the design, let time pass from act to act, and present what a thief holds.

Two things are modelled: a message arrives at once, and a question takes no time. The design's own code does the rest.
"""

import importlib.util
import math
import pkgutil
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

from app.lab import designs
from app.lab.home.sessions import LIFE, Sessions, judge
from app.lab.home.world import World
from app.lab.instruments import Clock, Liar, StoryWorld

PERSON = "ada"
ACCESS_LIFE = World.life  # what no lane of an access token is longer than
FAULTS = ("store", "list", "push")  # parts that can be silent
QUESTIONS = ("look-ups", "fetches", "requests")
LIES = ("withhold", "two-heads")  # of an issuer that answers: it tells no verifier of a sign-out, or not all of them


class Act(NamedTuple):
    """One act of a story. *at*: seconds since the story began. *of*: the browser, token or part that it concerns."""

    at: int
    name: str
    of: str = ""


@dataclass(frozen=True)
class Story:
    """*seed*: the source of all tokens of the story. *name*: the user's, which each token carries."""

    acts: tuple[Act, ...]
    seed: str = "1"
    began_at: int = 1_000_000_000
    name: str = PERSON


class Answer(NamedTuple):
    """The answer to one request.

    *status*: 200, 401, 503; 0 if there was none. *asked*: what the server asked for to answer, if it was counted. *as_of*: up to
    when the verifier knows everything. *what*: what was presented. *slug*: the design that answered, if one did. *over*: the
    session had ended before, so accepting is a fault. *exposed*: for how many seconds after the end it would be accepted, if that was
    measured. *reaction*: how the policy judged the place.
    """

    status: int
    why: str
    asked: dict[str, int] | None = None
    as_of: int | None = None
    what: str = ""
    slug: str = ""
    over: bool = False
    exposed: int = 0
    reaction: str = ""

    @property
    def accepted(self) -> bool:
        return self.status == 200

    @property
    def questions(self) -> int:
        """Return how many questions of any kind the server asked for this answer."""
        return sum((self.asked or {}).get(kind, 0) for kind in QUESTIONS)


class Stage:
    """One design in the middle of a story.

    *held*: what each browser holds, by the browser's name. *tokens*: the laptop's refresh tokens, and when each was issued. *ended*: when
    the laptop's session ended, or its browser forgot it, and by which act. *later*: which act then ended a forgotten session at
    the server. *refused_write*: the store was down, so the last act ended nothing.
    *exchanged*: the last act got new tokens. *spent*: the cost of each act, by its name. *twin*: if the issuer lies, the same
    story with an honest issuer. *receipt*: what the user got at the sign-out, if the design gives a receipt.
    """

    ended: tuple[int, str] | None = None
    later: str | None = None
    refused_write = exchanged = False
    session = ""
    receipt: Any = None

    def __init__(self, design: ModuleType, story: Story, clock: Clock | None = None) -> None:
        self.design, self.story, self.clock = design, story, clock or Clock(story.began_at)
        self.held: dict[str, dict[str, Any]] = {}
        self.tokens: dict[str, int] = {}
        self.cut_at: dict[str, int] = {}
        self.spent: dict[str, dict[str, int]] = {}
        self.revoked: set[str] = set()
        honest = tuple(act for act in story.acts if act.of not in LIES)
        self.twin = Stage(design, replace(story, acts=honest), self.clock) if honest != story.acts else None
        self.world = StoryWorld(story.name, f"{story.seed} design", self.clock)
        self.at_verifier = self.world.beside()
        self.clock.counts = self.at_verifier.counts
        self.issuer = design.Issuer(self.world)
        self.verifier = design.Verifier(self.at_verifier)
        # The cost of sessions counts for no design.
        self.at_sessions = StoryWorld(story.name, f"{story.seed} sessions", self.clock)
        self.at_sessions.cut = self.world.cut
        self.sessions = Sessions(self.at_sessions, self.issuer)

    @property
    def now(self) -> int:
        return self.clock.now()

    @property
    def is_over(self) -> bool:
        """Return whether the laptop's session has ended at the server, without counting the look-up."""
        return self.has_ended(self.session)

    def has_ended(self, session: str) -> bool:
        _, until = self.sessions.store.rows.get(f"session:{session}", (None, 0))
        return bool(self.now >= until or session in self.revoked)

    def moments(self) -> list[int]:
        """Return when something expires or is due, in seconds since the story began."""
        rows = [*self.sessions.store.rows.values(), *self.world.store.rows.values()]
        lapses = [until for _, until in rows] + [issued + ACCESS_LIFE for issued in self.tokens.values()]
        return sorted({math.ceil(at) - self.story.began_at for at in [*lapses, *self.clock.due()] if at < math.inf})

    def hold(self, whose: str) -> dict[str, Any]:
        """Return what a browser holds; for a number, the laptop's refresh token of that number."""
        if whose.isdigit():
            self.held[whose] = {"session": self.session, "refresh": list(self.tokens)[int(whose)]}
        return self.held[whose]

    def play(self, act: Act) -> None:
        """Play one act at its time. An act that the store cannot write has no effect."""
        self.clock.go_on(self.story.began_at + act.at)
        if self.twin and act.of not in LIES:
            self.twin.play(act)
        self.refused_write = self.exchanged = False
        before = dict(self.world.counts)
        try:
            ACTS[act.name](self, *([act.of] if act.of else []))
        except ConnectionError:
            self.refused_write = True
        self.spent[act.name] = _added(self.world.counts, before)

    # The requests of a holder, or of a thief.

    def present(self, whose: str = "thief") -> Answer:
        """Present an access token to the verifier, with anything else that the design asks for."""
        token = self.held[whose]["access"]
        return self.check(token, *self._proof(whose, token))

    def check(self, *presented: str) -> Answer:
        return self._count(self.at_verifier, partial(judge, self.verifier.check, *presented))._replace(
            as_of=self._as_of()
        )

    def exchange(self, whose: str = "thief") -> Answer:
        """Exchange a refresh token at the issuer."""
        answers = (400, "invalid_grant"), (200, "New tokens were given.")
        return self._count(self.at_sessions, lambda: answers[self._exchange(whose)])

    def buy(self, whose: str = "thief") -> Answer:
        """Exchange a refresh token, and present the access token that it bought. If it bought none, return that refusal."""
        answer = self.exchange(whose)
        return self.present(whose) if answer.accepted else answer

    def open_page(self, whose: str = "thief") -> Answer:
        """Ask for a page behind the session cookie."""
        answers = (401, "No session goes by this cookie."), (200, "The page.")
        return self._count(self.at_sessions, lambda: answers[self.sessions.who(self.held[whose]["cookie"]) is not None])

    def _count(self, world: StoryWorld, request: Callable[[], tuple[int, str]]) -> Answer:
        """Make a request, and count what the server in this *world* asks for to answer it."""
        before = dict(world.counts)
        try:
            status, why = request()
        except ConnectionError as silence:
            status, why = 503, f"It cannot know: {silence}"
        return Answer(status, why, _added(world.counts, before))

    def _proof(self, whose: str, token: str) -> list[str]:
        """Return what the design requires beside a token: a proof that the browser makes, or a copied one."""
        held = self.held[whose]
        try:
            return [held["browser"].prove(token)] if "browser" in held else held.get("proof", [])
        except (ConnectionError, PermissionError):
            return []  # the browser got none

    def _as_of(self) -> int | None:
        if self.at_verifier.channel.is_heard:
            return max(self.cut_at.get("push", self.now), self.at_verifier.heard_at or 0)
        return self.at_verifier.heard_at  # type: ignore[no-any-return]

    def sign_in(self, whose: str, person: str) -> None:
        """Sign a person in on a new browser. *whose*: its name."""
        browser = self.design.Browser(self.world.beside()) if hasattr(self.design, "Browser") else None
        self.held[whose] = self.sessions.begin(person, *([browser.public] if browser else []))
        if browser:
            self.held[whose]["browser"] = browser

    def copy_of(self, whose: str) -> dict[str, Any]:
        """Return what a thief can copy from a browser: its cookie, but not its key."""
        held = dict(self.held.get(whose, {}))
        cookie = getattr(held.pop("browser", None), "cookie", None)
        return held | {"proof": [cookie]} if cookie else held

    # The acts.

    def _sign_in(self) -> None:
        """Sign a person in, on a laptop and on a phone."""
        self._open("laptop")
        self._open("phone")
        self._use()

    def _open(self, whose: str) -> None:
        """Open another session, on the laptop or for an app. The app "lasting" outlives the laptop's session."""
        self.sign_in(whose, self.story.name)
        if whose == "laptop":
            self.session = self.held[whose]["session"]
            self.tokens[self.held[whose]["refresh"]] = self.now
            self.ended = self.later = None

    def _use(self, whose: str = "laptop") -> None:
        if whose in self.held:
            self.present(whose)

    def _copy(self) -> None:
        if "laptop" in self.held:
            self.held["thief"] = self.copy_of("laptop")

    def _refresh(self, whose: str = "laptop") -> None:
        if whose in self.held or whose.isdigit():
            self.hold(whose)
            self._exchange(whose)

    def _sign_out(self, why: str) -> None:
        """Use the laptop's token once more; then end its session, and the app's with it, at the server."""
        self._use()
        self.sessions.end(self.session)
        if "app" in self.held:
            self.sessions.end(self.held["app"]["session"])
        self._leave(why)

    def _sign_out_everywhere(self, why: str) -> None:
        self._use()
        self.sessions.end_all(self.story.name)
        self._leave(why)

    def _all_but_refresh(self) -> None:
        """Sign out everywhere, but forget the refresh tokens: a mistake that some sites make."""
        revoke_all = getattr(self.issuer, "revoke_all", None)
        self.revoked = {held["session"] for held in self.held.values()}
        for session in sorted(self.revoked):
            revoke_all(self.story.name) if revoke_all else self.issuer.revoke(session)
        self._leave("all")

    def _cut(self, part: str) -> None:
        self.world.cut.add(part)
        self.cut_at.setdefault(part, self.now)
        if part in LIES:
            self.sessions.issuer = Liar(self.issuer)
        if part == "two-heads" and self.twin:
            peers, others = self.world.peers.listeners, self.twin.world.peers.listeners
            peers[:] = others[:] = {id(hears): hears for hears in (*peers, *others)}.values()

    def _mend(self, part: str) -> None:
        self.world.cut.discard(part)
        self.cut_at.pop(part, None)
        if not self.world.cut.intersection(LIES):
            self.sessions.issuer = self.issuer

    def _lose_the_store(self) -> None:
        """Restart the design's store, which comes back empty."""
        self.world.store.rows.clear()

    def _show_receipt(self) -> None:
        """Show the verifier the receipt that the user got at the sign-out."""
        if self.receipt:
            self.verifier.hear(self.receipt)

    def _exchange(self, whose: str) -> bool:
        held = self.held[whose]
        lived = self.sessions.lives(held["session"])
        tokens = self.sessions.refresh(held["refresh"], *self._proof(whose, held["refresh"]))
        self.exchanged = tokens is not None
        if tokens:
            self.held[whose] = held | tokens
            self.tokens[tokens["refresh"]] = self.now
        elif lived and not self.sessions.lives(held["session"]):
            self._leave("reuse")
        return self.exchanged

    def _leave(self, why: str) -> None:
        self.held.pop("laptop", None)
        if self.ended:
            self.later = why
        self.ended = self.ended or (self.now, why)
        if hasattr(self.issuer, "head"):
            self.receipt = self.twin.receipt if self.twin else self.issuer.head()


ACTS: dict[str, Callable[..., None]] = {  # a story can call nothing else of a stage
    **{
        name: getattr(Stage, "_" + name.replace("-", "_"))
        for name in (
            *("sign-in", "open", "use", "copy", "refresh", "all-but-refresh"),
            *("cut", "mend", "lose-the-store", "show-receipt"),
        )
    },
    **{why: partial(Stage._sign_out, why=why) for why in ("sign-out", "elsewhere", "password")},
    **{why: partial(Stage._sign_out_everywhere, why=why) for why in ("all", "disabled")},
    **{why: partial(Stage._leave, why=why) for why in ("client", "expiry")},  # the server is not told
}


def _added(counts: Counter[str], before: dict[str, int]) -> dict[str, int]:
    """Return what was counted since. A replay does this thousands of times, and to subtract counters is slow."""
    return {kind: count - before.get(kind, 0) for kind, count in counts.items() if count != before.get(kind)}


class Design(NamedTuple):
    """One design: its file as a *module*, and what the file says of itself."""

    slug: str
    module: ModuleType
    name: str
    checker: str
    delivery: str
    choose: str
    avoid: str
    field: str = ""
    token: str = "JWT"  # noqa: S105 - a kind, not a secret
    present: str = "The token alone: any holder of a copy can"
    sent: str = ""
    receipt: str = ""

    @property
    def is_bearer(self) -> bool:
        """Return whether any holder of a token can use it."""
        return not hasattr(self.module, "Browser")

    @property
    def file(self) -> Path:
        return Path(str(self.module.__file__))

    @property
    def is_alone(self) -> bool:
        """Return whether its file imports nothing from this site, so that it runs at home."""
        return "from app" not in self.file.read_text()


def read(slug: str) -> ModuleType:
    """Load the file of a design again, for a caller that changes its constants."""
    spec = importlib.util.find_spec(f"{designs.__name__}.{slug.replace('-', '_')}")
    if spec is None or spec.loader is None:
        raise LookupError(slug)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@cache
def find(slug: str) -> Design:
    """Return the design of a name, which its file begins with. Raises LookupError."""
    module = read(slug)
    name, _, _ = (module.__doc__ or "").partition(":")
    return Design(slug, module, name, **module.CARD)


def every() -> list[Design]:
    """Return all designs: every file in the folder is one."""
    return [find(module.name.replace("_", "-")) for module in pkgutil.iter_modules(designs.__path__)]


def play(design: Design, story: Story, at: int) -> Stage:
    """Return the stage at second *at* of the story, without later acts."""
    stage = Stage(design.module, story)
    for act in story.acts:
        if act.at <= at:
            stage.play(act)
    stage.clock.go_on(story.began_at + at)
    return stage


Ask = Callable[[Stage], Answer]


def exposure(design: Design, story: Story, since: int, ask: Ask = Stage.present) -> int:
    """Return how many seconds after second *since* of the story *ask* is first refused."""

    def refuses(at: int) -> bool:
        return not ask(play(design, story, at)).accepted

    stage = play(design, story, since)
    moments = [since, *(at for at in stage.moments() if since < at <= LIFE), LIFE + 1]
    if not ask(stage).accepted:
        return 0
    first = bisect_left(moments, True, 1, len(moments) - 1, key=refuses)
    before, at = moments[first - 1 : first + 1]
    if refuses(at - 1):
        at = bisect_left(range(at), True, before + 1, at - 1, key=refuses)
    return at - since
