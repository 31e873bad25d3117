"""The sign-ins and sign-ups of one network in an hour are limited, so that none fills the store."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from limits import RateLimitItem, parse

from app.capacity.throttle import WIDER, Quota
from app.web import sign_in, sign_up
from tests.browsers import Browser, Site
from tests.conftest import StillClock

MOST = 3


@pytest.fixture(autouse=True)
def _few(monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name in ((sign_in, "begun"), (sign_up, "made")):
        monkeypatch.setattr(module, name, Quota(name, f"{MOST} per 1 hour"))


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


def sign_ins(site: Site, count: int, address: str) -> list[int]:
    return [site.browser(address=address).sign_in().status_code for _ in range(count)]


def limits(quota: Quota) -> list[RateLimitItem]:
    return [throttle.limit for throttle in (quota._by_place, quota._by_block)]


def test_the_limits_are_those_that_are_promised(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert limits(sign_in.begun) == [parse("2000 per 1 hour"), parse("20000 per 1 hour")]
    assert limits(sign_up.made) == [parse("500 per 1 hour"), parse("5000 per 1 hour")]


@pytest.mark.stores("counters of Redis")
@pytest.mark.usefixtures("ada")
def test_sign_ins_from_one_network_end_at_the_limit_and_others_go_on(site: Site) -> None:
    assert sign_ins(site, MOST + 2, "203.0.113.7") == [303] * MOST + [429] * 2
    assert sign_ins(site, 1, "203.0.113.8") == [303]
    answer = site.browser(address="203.0.113.7").sign_in()
    assert 0 < int(answer.headers["Retry-After"]) <= 60 * 60
    assert "Too much has come from your network" in answer.text
    assert "wrong" not in answer.text


@pytest.mark.usefixtures("ada")
def test_addresses_of_one_ipv6_network_count_as_one_and_ipv4_within_ipv6_as_what_it_is(site: Site) -> None:
    assert sign_ins(site, MOST, "2001:db8:1:2::1") == [303] * MOST
    assert sign_ins(site, 1, "2001:db8:1:2:ffff::9") == [429]
    assert sign_ins(site, 1, "2001:db8:1:3::1") == [303]
    assert sign_ins(site, MOST, "::ffff:203.0.113.7") == [303] * MOST
    assert sign_ins(site, 1, "203.0.113.7") == [429]
    assert sign_ins(site, 1, "::ffff:203.0.113.8") == [303]


@pytest.mark.usefixtures("ada")
def test_a_whole_48_may_do_ten_times_as_much_as_one_64(site: Site) -> None:
    for number in range(WIDER):
        assert sign_ins(site, MOST, f"2001:db8:1:{number:x}::1") == [303] * MOST
    assert sign_ins(site, 1, "2001:db8:1:ffff::1") == [429]
    assert sign_ins(site, 1, "2001:db8:2:1::1") == [303]


@pytest.mark.usefixtures("ada")
def test_a_wrong_password_takes_nothing_of_it(site: Site) -> None:
    browser = site.browser(address="203.0.113.7")
    assert {browser.sign_in(password="wrong wrong").status_code for _ in range(MOST + 1)} == {422}
    assert browser.sign_in().status_code == 303


@pytest.mark.stores("counters of Redis")
def test_sign_ups_from_one_network_end_at_the_limit_and_make_nothing(site: Site) -> None:
    def sign_up(name: str, address: str = "203.0.113.7") -> int:
        return site.browser(address=address).sign_up(f"{name}@example.org").status_code

    assert [sign_up(f"person-{number}") for number in range(MOST + 1)] == [303] * MOST + [429]
    assert sign_up("eve", "203.0.113.8") == 303
    assert [row.email for row in site.query("SELECT email FROM users WHERE email = 'person-3@example.org'")] == []


@pytest.mark.usefixtures("ada")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "::ffff:127.0.0.1"])
def test_this_very_machine_is_exempt(site: Site, address: str) -> None:
    assert sign_ins(site, MOST + 2, address) == [303] * (MOST + 2)


@pytest.fixture
def behind_a_proxy(instance: Path, still_clock: StillClock) -> Iterator[Site]:
    site = Site(instance, TRUSTED_PROXIES="1")
    site.member()
    yield site
    site.close()


def test_behind_a_proxy_on_this_machine_the_visitor_counts(behind_a_proxy: Site) -> None:
    def sign_in_from(address: str) -> int:
        form = {"email": "ada@example.org", "password": "plenty of violet otters"}
        return behind_a_proxy.browser().post("/sign-in", {"X-Forwarded-For": address}, **form).status_code

    assert [sign_in_from("203.0.113.7") for _ in range(MOST + 1)] == [303] * MOST + [429]
    assert [sign_in_from("127.0.0.1") for _ in range(MOST + 1)] == [303] * MOST + [429]
    assert sign_in_from("203.0.113.8") == 303
