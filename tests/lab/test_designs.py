"""Each design is one file, and what the lab says of it is what its own code did in a story: measured, never declared."""

import zlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from jwt import InvalidTokenError

from app.lab import designs, matrix, player
from app.lab.home.sessions import IDLE
from app.lab.home.world import World
from app.lab.instruments import Clock
from app.lab.player import Act, Answer, Design, Stage, Story
from app.revocation import merkle

OUT = Story((Act(0, "sign-in"), Act(0, "copy"), Act(70, "sign-out")))
FORGOTTEN = Story((Act(0, "sign-in"), Act(0, "copy"), Act(70, "client")))
SLUGS = [design.slug for design in player.every()]
ALONE = [slug for slug in SLUGS if slug != "this-site"]
EXPOSED = {  # seconds after a sign-out at second 70, ten seconds after the poll; a cached answer is as old as its last use
    "expiry": 230, "dbsc": 230, "introspection-cached": 60, "denylist-poll": 50, "status-list": 50, "transparency": 50,
    "bloom-filter": 50, "key-rotation": 50,
}  # fmt: skip
ASKED = {  # by one check of a good token
    "session": {"look-ups": 2}, "client-data": {"look-ups": 2}, "denylist-ask": {"look-ups": 1},
    "allowlist-ask": {"look-ups": 1}, "cutoff-ask": {"look-ups": 1}, "logout-time": {"look-ups": 1},
    "token-version": {"look-ups": 1}, "introspection": {"requests": 1},
}  # fmt: skip
UNTOLD = {"expiry", "dbsc"}  # no verifier hears of a sign-out
PEOPLE = {
    "cutoff-ask",
    "logout-time",
    "token-version",
    "key-rotation",
}  # know persons, or not even these, but no session
OPEN = {"denylist-poll", "bloom-filter", "key-rotation"}
BOUNDED = {"status-list", "transparency"}
NEEDS_THE_STORE = set(ASKED) | {"introspection-cached", "shared-cached", "this-site"}


def at(slug: str, story: Story, second: int) -> Stage:
    return player.play(player.find(slug), story, second)


def refused(slug: str, story: Story = OUT, ask: player.Ask = Stage.present, since: int = 70) -> int:
    return player.exposure(player.find(slug), story, since, ask)


def cut(part: str, *acts: Act) -> Story:
    return Story((Act(0, "sign-in"), Act(0, "copy"), Act(10, "cut", part), *acts))


def test_every_file_of_the_folder_is_a_design_and_is_found_by_its_name() -> None:
    files = {path.stem for path in Path(designs.__path__[0]).glob("*.py")} - {"__init__"}
    assert {slug.replace("-", "_") for slug in SLUGS} == files
    assert len(SLUGS) >= 20


class Polled(World):  # type: ignore[misc]
    """A world whose clock and polls the test moves by hand."""

    def __init__(self) -> None:
        self.seconds, self.polls = [0], list[Callable[[], None]]()  # which each side shares
        super().__init__()

    def now(self) -> int:
        return self.seconds[0]

    def every(self, _seconds: float, poll: Callable[[], None]) -> None:
        self.polls.append(poll)


@pytest.mark.parametrize("place", [-1, 8 * 512])
def test_tsl_06_a_token_whose_place_is_outside_of_the_list_is_refused(place: int) -> None:
    design, world = player.find("status-list").module, Polled()
    issuer, verifier = design.Issuer(world), design.Verifier(world.beside())
    world.polls[0]()
    verifier.check(issuer.issue("ada", "a session"))
    claims = {"sub": "ada", "exp": world.expiry(), "status": {"status_list": {"idx": place}}}
    with pytest.raises(PermissionError, match="no place"):
        verifier.check(world.sign(claims))


@pytest.mark.parametrize("damaged", ["nonsense", ""])
def test_tsl_06_a_damaged_or_forged_list_takes_the_place_of_none(damaged: str) -> None:
    design, world = player.find("status-list").module, Polled()
    issuer, verifier = design.Issuer(world), design.Verifier(world.beside())
    world.polls[0]()
    token = issuer.issue("ada", "a session")
    trusted = design.TRUSTED * design.POLL
    claims = {"exp": trusted + 1, "status_list": {"bits": 1, "lst": damaged}}
    world.list_server.serve("/statuses", lambda: world.sign(claims, None if damaged else Ed25519PrivateKey.generate()))
    with pytest.raises((InvalidTokenError, zlib.error)):
        world.polls[0]()
    verifier.check(token)
    world.seconds[0] = trusted
    with pytest.raises(ConnectionError, match="too old"):
        verifier.check(token)


@pytest.mark.parametrize("slug", ALONE)
def test_a_design_needs_nothing_but_the_standard_library_pyjwt_and_where_it_is_about_redis_redis(slug: str) -> None:
    source = Path(str(player.find(slug).module.__file__)).read_text()
    imported = {
        line.split()[1].partition(".")[0] for line in source.splitlines() if line.startswith(("import", "from"))
    }
    about_redis = {"redis", "os"} if slug == "denylist-ask" else set()
    assert imported <= {"jwt", "cryptography", "hashlib", "json", "base64", "zlib"} | about_redis
    assert len(source.splitlines()) <= (80 if slug == "transparency" else 60)


@pytest.mark.question("Q3", "A15")
@pytest.mark.parametrize("slug", SLUGS)
def test_a_copy_is_exposed_for_as_long_as_the_designs_own_code_accepts_it(slug: str) -> None:
    exposed = EXPOSED.get(slug, 0)
    assert refused(slug) == exposed
    assert not at(slug, OUT, 70 + exposed).present().accepted
    assert not exposed or at(slug, OUT, 70 + exposed - 1).present().accepted


@pytest.mark.question("Q5", "A7")
@pytest.mark.parametrize("slug", SLUGS)
def test_a_browser_that_only_forgets_ends_nothing(slug: str) -> None:
    assert refused(slug, FORGOTTEN) == (0 if slug == "dpop" else 230)
    assert not at(slug, FORGOTTEN, 80).is_over


@pytest.mark.question("Q5")
@pytest.mark.parametrize(("story", "hours"), [(OUT, 0), (FORGOTTEN, 2)])
def test_the_refresh_token_and_the_cookie_end_with_the_session_and_not_with_the_browsers_memory(
    story: Story, hours: int
) -> None:
    for ask in (Stage.exchange, Stage.open_page):
        assert refused("expiry", story, ask) == max(0, hours * 3600 - 70)


@pytest.mark.question("Q1", "A1", "A6")
@pytest.mark.parametrize("slug", SLUGS)
def test_what_one_check_asks_for_is_counted_where_it_is_asked(slug: str) -> None:
    asked = at(slug, OUT, 59).present("laptop").asked
    assert {name: count for name, count in asked.items() if name != "bytes"} == ASKED.get(slug, {})


@pytest.mark.question("A16")
@pytest.mark.parametrize("slug", SLUGS)
def test_the_phone_goes_on_unless_only_persons_are_known(slug: str) -> None:
    assert at(slug, OUT, 200).present("phone").accepted is (slug not in PEOPLE)


@pytest.mark.question("Q9")
@pytest.mark.parametrize("slug", SLUGS)
def test_with_the_store_down_those_that_ask_cannot_know_and_the_others_do_not_notice(slug: str) -> None:
    assert at(slug, cut("store"), 240).present("laptop").status == (503 if slug in NEEDS_THE_STORE else 200)


@pytest.mark.question("Q9")
@pytest.mark.parametrize("slug", SLUGS)
def test_with_the_list_server_down_some_go_on_for_ever_and_some_know_when_to_stop(slug: str) -> None:
    story = cut("list", Act(20, "sign-out"))
    now, later = at(slug, story, 20).present(), at(slug, story, 240).present()
    assert now.accepted is (slug in EXPOSED)
    assert later.status == (200 if slug in OPEN | UNTOLD else 503 if slug in BOUNDED else 401)


@pytest.mark.question("Q9", "A17")
@pytest.mark.parametrize("slug", SLUGS)
def test_with_the_push_channel_cut_only_those_that_do_nothing_but_listen_never_hear_of_it(slug: str) -> None:
    story = cut("push", Act(20, "sign-out"), Act(30, "mend", "push"))
    assert at(slug, story, 240).present().accepted is (slug in {"denylist-push"} | UNTOLD)


HIDDEN = [Act(0, "sign-in"), Act(0, "copy"), Act(10, "cut", "withhold"), Act(20, "sign-out")]
SPLIT = [Act(0, "sign-in"), Act(0, "copy"), Act(10, "cut", "two-heads"), Act(20, "sign-out")]


@pytest.mark.question("A14")
@pytest.mark.parametrize("slug", SLUGS)
def test_a_sign_out_that_no_verifier_is_told_of_is_noticed_by_none(slug: str) -> None:
    stage = at(slug, Story(tuple(HIDDEN)), 240)
    assert stage.is_over, "the refresh token and the cookie have ended"
    assert stage.present().accepted is (slug != "dpop")
    assert stage.present("phone").accepted


@pytest.mark.question("A14")
@pytest.mark.parametrize("slug", SLUGS)
def test_two_verifiers_that_were_told_different_things_notice_it_only_if_they_compare_signed_heads(slug: str) -> None:
    stage = at(slug, Story(tuple(SPLIT)), 240)
    assert stage.twin
    assert stage.present("phone").status == (503 if slug == "transparency" else 200)
    assert stage.twin.present().accepted is (slug in UNTOLD), "the other service was told"
    assert matrix.Measured(slug).two_heads == (100 if slug == "transparency" else None)


@pytest.mark.question("A14")
def test_the_person_alone_can_find_a_hidden_sign_out_by_the_receipt() -> None:
    shown = Story((*HIDDEN, Act(30, "show-receipt")))
    assert at("transparency", shown, 59).present().accepted, "what the verifier has is older than the receipt"
    assert "contradict" in at("transparency", shown, 60).present("phone").why
    assert matrix.Measured("transparency").receipt == 40
    assert [slug for slug in SLUGS if at(slug, shown, 240).present("phone").status == 503] == ["transparency"]


@pytest.mark.parametrize("blinded", ["hear", "contradicts"])
def test_a_verifier_that_does_not_compare_is_lied_to(monkeypatch: pytest.MonkeyPatch, blinded: str) -> None:
    monkeypatch.setattr(player.find("transparency").module.Verifier, blinded, lambda *_, **__: None)
    measured = matrix.Measured("transparency")
    assert (measured.two_heads, measured.receipt) == (None, None)
    assert at("transparency", Story(tuple(SPLIT)), 240).present().accepted


def test_an_issuer_that_rewrites_what_it_has_said_is_found_by_its_own_heads() -> None:
    stage = at("transparency", OUT, 130)
    stage.issuer.entries[0] = "another session"
    stage.clock.go_on(stage.clock.time + 60)
    assert "contradict" in stage.present("phone").why


def test_verifiers_of_an_honest_issuer_never_accuse_it_whenever_they_poll_and_wherever_a_line_is_cut() -> None:
    stage = Stage(player.find("transparency").module, Story(()))
    verifiers = [stage.verifier]
    for second in range(400):
        stage.clock.go_on(stage.story.began_at + second)
        stage.issuer.revoke(f"session {second}")
        if second % 37 == 0:
            verifiers.append(stage.design.Verifier(stage.world.beside()))
            verifiers[0].hear(stage.issuer.head())
        (stage.world.cut.add if second % 90 < 45 else stage.world.cut.discard)("list")
    assert not any(verifier.lie for verifier in verifiers)


def test_an_issuer_that_tells_the_truth_again_is_not_forgiven_where_heads_are_kept() -> None:
    story = Story((*SPLIT, Act(30, "mend", "two-heads"), Act(40, "open", "laptop"), Act(50, "sign-out")))
    assert at("transparency", story, 240).present("phone").status == 503
    assert at("denylist-push", story, 240).present("phone").status == 200


def test_a_cache_that_is_told_pays_a_minute_for_a_lost_message() -> None:
    story = cut("push", Act(60, "use"), Act(61, "sign-out"))
    assert refused("shared-cached", story, since=61) == 59


@pytest.mark.parametrize("slug", SLUGS)
def test_a_sign_out_that_the_store_cannot_write_ends_nothing(slug: str) -> None:
    stage = at(slug, cut("store", Act(20, "sign-out"), Act(30, "mend", "store")), 30)
    assert (stage.ended, stage.is_over) == (None, False)
    assert stage.present("laptop").accepted


@pytest.mark.question("A13")
@pytest.mark.parametrize("slug", SLUGS)
def test_a_new_sign_in_in_the_second_of_a_sign_out_everywhere_is_refused_by_whole_seconds_alone(slug: str) -> None:
    story = Story((Act(0, "sign-in"), Act(0, "copy"), Act(70, "all"), Act(70, "open", "laptop")))
    assert at(slug, story, 70).present("laptop").accepted is (slug != "logout-time")


@pytest.mark.parametrize(
    ("slug", "buys"), [("logout-time", True), ("token-version", True), ("cutoff-ask", False), ("denylist-ask", False)]
)
def test_a_refresh_token_that_was_left_alone_buys_a_token_younger_than_the_logout_time(slug: str, buys: bool) -> None:
    stage = at(slug, Story((Act(0, "sign-in"), Act(0, "copy"), Act(70, "all-but-refresh"))), 71)
    assert not stage.present().accepted
    assert stage.exchange().accepted
    assert stage.present().accepted is buys


def test_a_copy_without_its_key_is_refused_before_the_sign_out_and_its_owner_is_not() -> None:
    stage = at("dpop", OUT, 60)
    assert stage.present("laptop").accepted
    assert not stage.present().accepted
    assert not stage.exchange().accepted
    proof = stage.held["laptop"]["browser"].prove(stage.held["laptop"]["access"])
    assert stage.check(stage.held["thief"]["access"], proof).accepted  # a proof that was overheard
    assert not stage.check(stage.held["thief"]["access"], proof).accepted  # is good once


@pytest.mark.parametrize(("age", "accepted"), [(5, True), (6, False)])
def test_a_proof_that_was_overheard_is_good_for_five_seconds_and_is_forgotten_after(age: int, accepted: bool) -> None:
    stage = at("dpop", OUT, 10)
    token, browser = stage.held["laptop"]["access"], stage.held["laptop"]["browser"]
    overheard = browser.prove(token)
    assert stage.present("laptop").accepted
    stage.clock.go_on(stage.clock.time + age)
    assert stage.check(token, overheard).accepted is accepted
    stage.clock.go_on(stage.clock.time + 6)
    assert stage.present("laptop").accepted
    assert len(stage.verifier.seen) == 1


@pytest.mark.parametrize("slug", ["status-list", "transparency"])
def test_a_list_is_trusted_for_two_polls_and_then_no_token_is_accepted(slug: str) -> None:
    story = Story((Act(0, "sign-in"), Act(1, "cut", "list")))
    assert [at(slug, story, second).present("laptop").status for second in (119, 120)] == [200, 503]


@pytest.mark.parametrize("size", range(10))
def test_the_tree_of_the_lab_has_the_root_that_the_rfc_gives_it(size: int) -> None:
    entries = [f"session {number}" for number in range(size)]
    leaves = merkle.of_leaves([merkle.leaf_hash(entry.encode()) for entry in entries])
    assert player.find("transparency").module.tree(entries) == merkle.root(size, leaves)


WITH_A_COPY = Story(OUT.acts[:2])


def break_in(slug: str, second: int) -> tuple[int, int]:
    """Present the copy, and then what its refresh token buys."""
    stage = at(slug, WITH_A_COPY, second)
    before = stage.present().status
    stage.exchange()
    return before, stage.present().status


@pytest.mark.parametrize("slug", SLUGS)
def test_before_a_sign_out_a_copy_is_good_until_the_session_ends_unless_it_is_bound_to_a_key(slug: str) -> None:
    unended = {"dpop": 0, "dbsc": 300}.get(slug, IDLE)
    assert matrix.Measured(slug).unended == unended
    assert 200 not in break_in(slug, unended)
    assert not unended or 200 in break_in(slug, unended - 1)


def test_a_thief_has_the_bound_cookie_for_its_life_and_the_owner_goes_on() -> None:
    assert break_in("dbsc", 299) == (200, 200), "the bound cookie was copied, too"
    stage = at("dbsc", WITH_A_COPY, 300)
    assert not stage.exchange().accepted
    assert stage.exchange("laptop").accepted
    assert stage.present("laptop").accepted


def test_malware_that_uses_the_browsers_own_key_is_stopped_by_the_end_of_the_session_alone() -> None:
    going_on = Story((Act(0, "sign-in"), *(Act(second, "refresh") for second in range(200, 3600, 200))))
    assert at("dbsc", going_on, 3600).present("laptop").accepted, "malware at the browser"
    stage = at("dbsc", OUT, 60)
    malware = stage.held["malware"] = dict(stage.held["laptop"])
    stage.play(Act(70, "sign-out"))
    stage.clock.go_on(stage.story.began_at + 301)
    assert malware["browser"].prove(""), "the key still renews the bound cookie"
    assert not stage.present("malware").accepted
    assert not stage.exchange("malware").accepted


def test_a_bound_cookie_is_given_for_a_fresh_challenge_that_the_sessions_own_key_has_signed() -> None:
    stage = at("dbsc", OUT, 60)
    owner, other = stage.held["laptop"]["browser"], stage.held["phone"]["browser"]
    token, refresh = stage.held["thief"]["access"], stage.verifier.refresh
    challenge = refresh(owner.public)
    for key, signed in ((other.key, challenge), (owner.key, refresh(other.public)), (owner.key, owner.cookie)):
        with pytest.raises((PermissionError, InvalidTokenError)):
            refresh(owner.public, stage.world.sign({"jti": signed}, key))
    proof = stage.world.sign({"jti": challenge}, owner.key)
    assert stage.check(token, refresh(owner.public, proof)).accepted
    for cookie in (other.prove(""), challenge, proof, token):
        assert not stage.check(token, cookie).accepted, "of another key, or no bound cookie"
    assert not stage.check(owner.cookie, token).accepted, "a bound cookie is no token"
    stage.clock.go_on(stage.clock.time + 10)
    with pytest.raises(PermissionError):
        refresh(owner.public, proof)


@pytest.mark.parametrize("slug", ["dpop", "dbsc"])
def test_a_copy_would_be_accepted_if_the_key_were_not_asked_for(monkeypatch: pytest.MonkeyPatch, slug: str) -> None:
    for side in ("Issuer", "Verifier"):
        monkeypatch.setattr(getattr(player.find(slug).module, side), "check_proof", lambda *_: None)
    assert matrix.Measured(slug).unended == IDLE


def test_a_bound_cookie_made_to_live_shorter_is_copied_to_less_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player.find("dbsc").module, "BOUND", 120)
    assert matrix.Measured("dbsc").unended == 120


@pytest.mark.question("A4")
@pytest.mark.parametrize("slug", [slug for slug in SLUGS if slug != "dpop"])  # without the key nothing is reused
def test_an_old_refresh_token_ends_its_session_and_no_other(slug: str) -> None:
    story = Story((Act(0, "sign-in"), Act(0, "copy"), Act(60, "refresh", "laptop"), Act(90, "refresh", "thief")))
    stage = at(slug, story, 200)
    assert (stage.ended or (0, ""))[1] == "reuse"
    assert stage.present("phone").accepted is (slug not in PEOPLE)


@pytest.mark.parametrize("slug", SLUGS)
def test_in_a_crowd_a_filter_refuses_some_who_never_signed_out_and_a_new_key_all(slug: str) -> None:
    refused = matrix.crowd(slug)
    if slug == "bloom-filter":
        assert 0 < refused < matrix.OTHERS / 2
    else:
        assert refused == (matrix.OTHERS if slug == "key-rotation" else 0)


def test_a_larger_filter_refuses_fewer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player.find("bloom-filter").module, "BITS", 1 << 14)
    assert matrix.crowd("bloom-filter") == 0


@pytest.mark.parametrize("slug", SLUGS)
def test_a_forged_or_foreign_token_is_known_nowhere(slug: str) -> None:
    stage = at(slug, OUT, 60)
    foreign = at(slug, Story(OUT.acts, seed="another"), 60).held["thief"]["access"]
    head, _, _ = stage.held["thief"]["access"].rpartition(".")
    for token in ("", "x", "a.b.c", f"{head}.AAAA", "é", foreign):
        assert stage.check(token).status == 401, token


@pytest.mark.parametrize("slug", SLUGS)
def test_the_same_story_is_played_the_same_each_time(slug: str) -> None:
    assert at(slug, OUT, 75).present() == at(slug, OUT, 75).present()
    assert [refused(slug) for _ in range(2)] == [EXPOSED.get(slug, 0)] * 2


# What is measured is what the code does.


class ThreeTimes:
    """A verifier that asks three times for what once would do."""

    def __init__(self, verifier: type) -> None:
        self._verifier = verifier

    def __call__(self, world: object) -> object:
        verifier = self._verifier(world)
        once = verifier.check

        def check(*presented: str) -> None:
            for _ in range(3):
                once(*presented)

        verifier.check = check
        return verifier


def test_a_verifier_made_to_ask_three_times_says_three(monkeypatch: pytest.MonkeyPatch) -> None:
    design = player.find("cutoff-ask")
    monkeypatch.setattr(design.module, "Verifier", ThreeTimes(design.module.Verifier))
    assert at("cutoff-ask", OUT, 60).present("laptop").asked == Counter({"look-ups": 3})


def test_a_verifier_made_to_poll_more_rarely_is_exposed_for_longer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(player.find("denylist-poll").module, "POLL", 100)
    assert refused("denylist-poll") == 30
    monkeypatch.setattr(player.find("denylist-poll").module, "POLL", 200)
    assert refused("denylist-poll") == 130


def test_an_issuer_that_forgets_to_write_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    design = player.find("denylist-ask")
    monkeypatch.setattr(design.module.Issuer, "revoke", lambda *_: None)
    assert refused("denylist-ask") == 230


NEW = '''"""Last digit: a new design."""
CARD = {"field": "", "checker": "nothing", "delivery": "ask", "token": "opaque",
        "choose": "Never.", "avoid": "Always."}
class Issuer:
    def __init__(self, world):
        self.world = world
    def issue(self, person, session):
        token = self.world.token()
        self.world.store.put(token, session, self.world.now() + 300)
        return token
    def revoke(self, session):
        self.world.store.put(session, True)
class Verifier:
    def __init__(self, world):
        self.world = world
    def check(self, token):
        session = self.world.store.get(token)
        if not session or self.world.store.get(session):
            raise PermissionError("It is over.")
'''


@pytest.fixture
def new_design(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Design:
    """A design that was added: one file, in a folder that designs are read from, and nothing else."""
    (tmp_path / "last_digit.py").write_text(NEW)
    monkeypatch.setattr(designs, "__path__", [*designs.__path__, str(tmp_path)])
    return player.find("last-digit")


def test_to_add_a_design_is_to_add_one_file(new_design: Design) -> None:
    assert new_design in player.every()
    assert new_design.name == "Last digit"
    assert refused(new_design.slug) == 0
    assert matrix.Measured(new_design.slug).check.asked == Counter({"look-ups": 2})
    assert [good.status for good, _ in matrix.Measured(new_design.slug).silences.values()] == [503, 200, 200, 200, 200]


def test_an_answer_says_how_old_the_news_are_that_it_rests_on() -> None:
    stage = at("denylist-poll", OUT, 75)
    assert stage.present() == Answer(200, "Nothing that it knows speaks against it.", Counter(), stage.now - 15)
    assert at("expiry", OUT, 75).present().as_of is None
    assert at("cutoff-ask", OUT, 75).present().as_of == stage.now
    assert at("denylist-push", OUT, 75).present().as_of == stage.now
    assert at("denylist-push", cut("push"), 75).present().as_of == stage.now - 65


def test_in_a_long_gap_what_is_done_every_so_often_is_counted_as_if_it_had_been_done() -> None:
    polled = [
        at("denylist-poll", Story((Act(0, "sign-in"), *steps)), 7200).at_verifier.counts for steps in ((), _often())
    ]
    assert polled[0] == polled[1]


def _often() -> list[Act]:
    return [Act(second, "use", "phone") for second in range(30, 7200, 30)]


def modules() -> list[ModuleType]:
    return [design.module for design in player.every()]


def test_no_design_keeps_anything_outside_of_its_world() -> None:
    before = [dict(vars(module)) for module in modules()]
    for slug in SLUGS:
        at(slug, OUT, 100).present()
    assert [dict(vars(module)) for module in modules()] == before


@pytest.mark.parametrize("slug", SLUGS)
def test_the_first_refusal_is_the_one_that_looking_at_each_second_finds(slug: str) -> None:
    looked = next(second for second in range(70, 302) if not at(slug, OUT, second).present().accepted)
    assert refused(slug) == looked - 70


def test_what_was_skipped_in_a_long_gap_is_counted_as_if_it_had_been_done() -> None:
    clock, news, done = Clock(0), list[str](), Counter[str]()

    def look() -> None:
        done["looks"] += 1
        clock.counts.update(looks=1, bytes=1 + 100 * len(news))
        news.clear()

    def poll() -> None:
        done["polls"] += 1
        clock.counts.update(polls=1)

    clock.every(0.25, look)
    clock.every(60, poll)
    clock.counts.clear()
    news.append("an entry from before the gap")
    clock.go_on(3600)
    assert clock.counts == {"looks": 4 * 3600, "bytes": 4 * 3600 + 100, "polls": 60}
    assert done.total() < 60 + 4 * 60


@pytest.mark.parametrize("slug", SLUGS)
def test_a_token_of_any_other_design_is_judged_as_any_token(slug: str) -> None:
    stages = [at(other, OUT, 0) for other in SLUGS]
    tokens = {
        token for stage in stages for token in (stage.held["thief"]["access"], *stage.held["thief"].get("proof", ()))
    }
    here = at(slug, OUT, 0)
    assert {here.check(token).status for token in tokens} <= {200, 401}
