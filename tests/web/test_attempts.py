"""Wrong passwords hold off the guesser alone: who tried, from where, how often, and who is held off after that."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest

from app.capacity.throttle import Counters, PlaceThrottle
from app.web import attempts
from tests.browsers import PASSWORD, Browser, Site
from tests.conftest import LONG, StillClock
from tests.forking import PROJECT

HOME, SCHOOL, NEW, NEWER = "192.0.2.1", "198.51.100.7", "203.0.113.1", "203.0.113.2"
HOME6, HOME6_TOMORROW, NEXT_DOOR6, FAR6 = (
    "2001:db8:1:1::a",
    "2001:db8:1:1:f00d::b",
    "2001:db8:1:2::a",
    "2001:db8:2:1::a",
)
WRONG = "wrong wrong"
HELD_OFF, LET_IN = True, False


@dataclass
class World:
    """Ada signed up at home and has signed in at school and at home by IPv6; a thief has copies of her laptop's cookies.

    Bob and Mallory signed up at school.
    """

    site: Site
    number: int
    devices: dict[str, Browser] = field(default_factory=dict)
    strangers: Iterator[int] = field(default_factory=count)

    def furnish(self) -> None:
        self.forget_failures()
        for person in ("bob", "mallory"):
            self.site.browser(address=SCHOOL).sign_up(self.email(person))
        self.devices["laptop"] = self.site.browser(address=HOME)
        self.devices["laptop"].sign_up(self.email("ada"))
        for device, address in (("phone", SCHOOL), ("tablet", HOME6)):
            self.devices[device] = self.site.browser("Chrome on Android", address=address)
            self.devices[device].sign_in(self.email("ada"))
        self.devices["copy"] = self.site.thief(self.devices["laptop"].pocket())

    def forget_failures(self) -> None:
        self.site.app.extensions["throttle"] = Counters(redis_url="")

    def email(self, person: str) -> str:
        """Return the address of a person; of a stranger, another one each time."""
        name = f"stranger-{next(self.strangers)}" if person == "stranger" else person
        return f"{name}-{self.number}@example.org"

    def attempt(self, how: str, who: str, where: str, password: str) -> int:
        """Try a password: at the door as *who* from the address *where*, or in the session of the device *where*."""
        if how == "sign in":
            return self.site.browser(address=where).sign_in(self.email(who), password).status_code
        device = self.devices[where]
        if how == "confirm":
            return device.post("/confirm", password=password).status_code
        return device.post("/account/password", current=password, password="many more violet otters").status_code


Where = str | Callable[[int], str]
Tries = list[tuple[str, str, Where, int]]


def anywhere(number: int) -> str:
    """Another address each time."""
    return f"203.0.113.{100 + number}"


# What was tried before, with wrong passwords: how, as whom, from where, how often. Then right ones: how, as whom, from
# where, and whether that is held off. None of these changes what the next one meets; a change of the password is the last.
MATRIX: list[tuple[Tries, list[tuple[str, str, str, bool]]]] = [
    # In a new place: ten for each account, thirty for the account from everywhere.
    ([("sign in", "ada", NEW, 9)], [("sign in", "ada", NEW, LET_IN)]),
    (
        [("sign in", "ada", NEW, 10)],
        [
            ("sign in", "ada", NEW, HELD_OFF),
            ("sign in", "ada", NEWER, LET_IN),
            ("sign in", "ada", HOME, LET_IN),
            ("sign in", "bob", NEW, LET_IN),
        ],
    ),
    ([("sign in", "ada", anywhere, 29)], [("sign in", "ada", NEW, LET_IN)]),
    (
        [("sign in", "ada", anywhere, 30)],
        [
            ("sign in", "ada", NEW, HELD_OFF),
            ("sign in", "ada", HOME, LET_IN),
            ("sign in", "ada", SCHOOL, LET_IN),
            ("sign in", "ada", HOME6_TOMORROW, LET_IN),  # a household is a /64, whose devices change their addresses
            ("sign in", "bob", NEW, LET_IN),
            ("change", "ada", "laptop", LET_IN),
        ],
    ),
    # Fifty from one place for all accounts.
    ([("sign in", "stranger", NEW, 49)], [("sign in", "ada", NEW, LET_IN)]),
    ([("sign in", "stranger", NEW, 50)], [("sign in", "ada", NEW, HELD_OFF), ("sign in", "ada", NEWER, LET_IN)]),
    ([("sign in", "stranger", SCHOOL, 50)], [("sign in", "ada", SCHOOL, LET_IN), ("sign in", "bob", SCHOOL, LET_IN)]),
    # Where the account signed in or up: sixty for that account there, and nothing else counts.
    ([("sign in", "ada", HOME, 59)], [("sign in", "ada", HOME, LET_IN)]),
    ([("sign in", "ada", HOME, 60)], [("sign in", "ada", HOME, HELD_OFF), ("confirm", "ada", "laptop", LET_IN)]),
    (
        [("sign in", "ada", SCHOOL, 60)],
        [
            ("sign in", "ada", SCHOOL, HELD_OFF),
            ("sign in", "ada", HOME, LET_IN),
            ("sign in", "ada", NEW, LET_IN),
            ("sign in", "bob", SCHOOL, LET_IN),
            ("confirm", "ada", "phone", LET_IN),
            ("change", "ada", "phone", LET_IN),
        ],
    ),
    (
        [("sign in", "ada", SCHOOL, 24), ("sign in", "bob", SCHOOL, 50)],
        [("sign in", "stranger", SCHOOL, LET_IN)],
    ),
    # To have an account behind the same address is of no use against another one that has not been there.
    ([("sign in", "carol", SCHOOL, 10)], [("sign in", "carol", SCHOOL, HELD_OFF)]),
    # IPv6, and IPv4 written as IPv6.
    ([("sign in", "ada", HOME6, 60)], [("sign in", "ada", HOME6_TOMORROW, HELD_OFF)]),
    (
        [("sign in", "bob", HOME6, 10)],
        [("sign in", "bob", HOME6_TOMORROW, HELD_OFF), ("sign in", "bob", NEXT_DOOR6, LET_IN)],
    ),
    ([("sign in", "ada", "::ffff:203.0.113.1", 10)], [("sign in", "ada", NEW, HELD_OFF)]),
    # In a session: ten, for confirmation and change of password together.
    ([("confirm", "ada", "laptop", 9)], [("confirm", "ada", "laptop", LET_IN)]),
    (
        [("confirm", "ada", "laptop", 10)],
        [
            ("confirm", "ada", "laptop", HELD_OFF),
            ("change", "ada", "laptop", HELD_OFF),
            ("confirm", "ada", "phone", LET_IN),
            ("sign in", "ada", HOME, LET_IN),
            ("sign in", "ada", NEW, LET_IN),
        ],
    ),
    ([("change", "ada", "laptop", 10)], [("confirm", "ada", "laptop", HELD_OFF)]),
    ([("confirm", "ada", "laptop", 5), ("change", "ada", "laptop", 5)], [("confirm", "ada", "laptop", HELD_OFF)]),
    # Copied cookies share the session's count, and move no place.
    ([("confirm", "ada", "copy", 10)], [("confirm", "ada", "laptop", HELD_OFF), ("sign in", "ada", HOME, LET_IN)]),
    (
        [("confirm", "ada", "copy", 1), ("sign in", "ada", "203.0.113.66", 10)],
        [("sign in", "ada", "203.0.113.66", HELD_OFF)],
    ),
    ([("confirm", "ada", "copy", 1), ("sign in", "ada", anywhere, 30)], [("sign in", "ada", HOME, LET_IN)]),
    ([("confirm", "ada", "copy", 1), ("sign in", "ada", HOME, 59)], [("sign in", "ada", HOME, LET_IN)]),
]


def called(tried: Tries) -> str:
    """Name a row by what was tried."""
    return " and ".join(
        f"{how} as {who} {times}x from {getattr(where, '__name__', where)}" for how, who, where, times in tried
    )


@pytest.fixture(scope="module")
def crowded(shared_instance: Path) -> Iterator[Site]:
    opened = Site(shared_instance)
    yield opened
    opened.close()


_worlds = count()


@pytest.fixture
def world(crowded: Site, still_clock: StillClock) -> World:
    """Their own users, and no failure counted yet."""
    made = World(crowded, next(_worlds))
    made.furnish()
    return made


@pytest.mark.page
@pytest.mark.parametrize(("tried", "then"), MATRIX, ids=[called(tried) for tried, _ in MATRIX])
def test_which_attempts_have_to_wait_by_account_place_and_count(
    world: World, tried: Tries, then: list[tuple[str, str, str, bool]]
) -> None:
    for how, who, where, times in tried:
        for number in range(times):
            status = world.attempt(how, who, where if isinstance(where, str) else where(number), WRONG)
            assert status in (422, 429)
    for how, who, place, is_held_off in then:
        unheld = 422 if who in ("stranger", "carol") else 303  # they have no account, and are told so if not held off
        answer = world.attempt(how, who, place, PASSWORD)
        assert answer == (429 if is_held_off else unheld), f"then {how} as {who} from {place}"


THROTTLES = (
    attempts._by_place_and_account,
    attempts._by_account,
    attempts._by_place._by_place,
    attempts._by_place._by_block,
    attempts._by_known_place,
    attempts._by_session,
)


def test_the_table_in_the_docs_has_the_limits_of_the_code() -> None:
    """Each row begins with what is counted, and has the limit in its second cell."""
    page = (PROJECT / "docs" / "security.md").read_text()
    section = page.split("## Wrong passwords", 1)[1].split("\n## ", 1)[0]
    documented = re.findall(r"^\| [^|]+ \| ([0-9]+) in ([0-9]+) minutes \|", section, re.MULTILINE)
    assert [(int(amount), int(minutes) * 60) for amount, minutes in documented] == [
        (throttle.limit.amount, throttle.limit.get_expiry()) for throttle in THROTTLES
    ]


def test_the_table_of_codes_has_the_limits_of_the_code() -> None:
    page = (PROJECT / "docs" / "security.md").read_text()
    section = page.split("## Wrong codes", 1)[1].split("\n## ", 1)[0]
    documented = re.findall(r"^\| [^|]+ \| ([0-9]+) in ([0-9]+) minutes \|", section, re.MULTILINE)
    assert [(int(amount), int(minutes) * 60) for amount, minutes in documented] == [
        (throttle.limit.amount, throttle.limit.get_expiry())
        for throttle in (attempts._codes_by_account, attempts._codes_by_known_place, attempts._codes_by_session)
    ]


@pytest.mark.page
def test_a_classroom_behind_one_address_is_not_locked_out_by_its_typos(world: World) -> None:
    emails = [world.email("stranger") for _ in range(110 if LONG else 55)]  # more than one place may do wrong
    for email in emails:
        assert world.site.browser(address=SCHOOL).sign_up(email).status_code == 303
    for email in emails:
        assert world.site.browser(address=SCHOOL).sign_in(email, WRONG).status_code == 422
    answers = {world.site.browser(address=SCHOOL).sign_in(email).status_code for email in emails}
    assert answers == {303}
    assert world.site.browser(address=SCHOOL).sign_in(world.email("ada")).status_code == 303
    assert world.site.browser(address=SCHOOL).sign_in(world.email("stranger"), WRONG).status_code == 422


@pytest.mark.page
def test_a_guesser_with_a_whole_48_has_ten_times_as_many_tries_and_accounts_that_know_a_place_in_it_go_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    each = 50 if LONG else 5
    if not LONG:
        monkeypatch.setattr(attempts, "_by_place", PlaceThrottle("few", f"{each} per 10 minutes"))
    for number in range(10 * each - 1):  # as many as each /64 may do
        where = f"2001:db8:1:{0xF000 + number // each:x}::{number:x}"
        assert world.attempt("sign in", "stranger", where, WRONG) == 422
    assert world.attempt("sign in", "bob", NEXT_DOOR6, PASSWORD) == 303
    assert world.attempt("sign in", "stranger", "2001:db8:1:ffff::1", WRONG) == 422
    assert world.attempt("sign in", "mallory", NEXT_DOOR6, PASSWORD) == 429
    assert world.attempt("sign in", "mallory", FAR6, PASSWORD) == 303, "in another /48"
    assert world.attempt("sign in", "bob", NEXT_DOOR6, PASSWORD) == 303
    assert world.attempt("sign in", "ada", HOME6_TOMORROW, PASSWORD) == 303


@pytest.mark.page
def test_a_user_who_had_to_wait_is_let_in_after_ten_minutes(world: World, still_clock: StillClock) -> None:
    for _ in range(61):
        world.attempt("sign in", "ada", HOME, WRONG)
    refused = world.site.browser(address=HOME).sign_in(world.email("ada"))
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "600")
    still_clock.now += 599
    assert world.attempt("sign in", "ada", HOME, PASSWORD) == 429
    still_clock.now += 1
    assert world.attempt("sign in", "ada", HOME, PASSWORD) == 303


@pytest.mark.page
def test_to_sign_up_with_a_taken_address_makes_no_place(world: World) -> None:
    for _ in range(3):
        assert world.site.browser(address=NEW).sign_up(world.email("ada")).status_code == 422
    for _ in range(10):
        world.attempt("sign in", "ada", NEW, WRONG)
    assert world.attempt("sign in", "ada", NEW, PASSWORD) == 429


@pytest.mark.page
def test_after_one_sign_in_a_place_is_the_accounts_own(world: World) -> None:
    assert world.attempt("sign in", "ada", NEW, PASSWORD) == 303
    for _ in range(59):
        world.attempt("sign in", "ada", NEW, WRONG)
    assert world.attempt("sign in", "ada", NEW, PASSWORD) == 303


@pytest.mark.stores("counters of Redis")
def test_the_limits_hold_on_every_backing_and_signing_out_or_ending_all_forgets_no_place(site: Site) -> None:
    ada = site.browser(address=HOME)
    ada.sign_up()
    ada.sign_out()
    for number in range(31):
        site.browser(address=anywhere(number)).sign_in(password=WRONG)
    assert site.browser(address=NEW).sign_in().status_code == 429
    assert [site.browser(address=HOME).sign_in(password=WRONG).status_code for _ in range(11)] == [422] * 11
    assert ada.sign_in().status_code == 303
    assert [ada.post("/confirm", password=WRONG).status_code for _ in range(11)] == [422] * 10 + [429]
    assert site.browser(address=HOME).sign_in().status_code == 303
