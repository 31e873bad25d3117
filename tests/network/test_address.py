"""Each address of a client has one text, however a server or a proxy writes it. What is no address is the proxy's own."""

import json
import logging
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest

from app.network import address
from tests.browsers import PASSWORD, Browser, Site
from tests.server import Server

PROXY = "10.0.0.2"

# What stands in X-Forwarded-For behind one proxy, and whose address that is.
SPELLINGS = [
    ("203.0.113.7", "203.0.113.7"),
    (" 203.0.113.7 ", "203.0.113.7"),
    ("203.0.113.7:49152", "203.0.113.7"),
    ("203.0.113.7:", "203.0.113.7"),
    ("[203.0.113.7]:80", "203.0.113.7"),
    ('"203.0.113.7:49152"', "203.0.113.7"),
    ("::ffff:203.0.113.7", "203.0.113.7"),
    ("::FFFF:cb00:7107", "203.0.113.7"),
    ("0:0:0:0:0:ffff:203.0.113.7", "203.0.113.7"),
    ("[::ffff:203.0.113.7]:49152", "203.0.113.7"),
    ("64:ff9b::8.8.4.4", "8.8.4.4"),
    ("2001:db8::7", "2001:db8::7"),
    ("2001:0DB8:0000:0000:0000:0000:0000:0007", "2001:db8::7"),
    ("[2001:db8::7]", "2001:db8::7"),
    ("[2001:db8::7]:443", "2001:db8::7"),
    ('"[2001:db8::7]:443"', "2001:db8::7"),
    ("2001:db8::7:49152", "2001:db8::7"),
    ("2001:db8:::443", "2001:db8::"),
    ("2001:db8:1:2:3:4:5:6:443", "2001:db8:1:2:3:4:5:6"),
    ("fe80::7%eth0", "fe80::7"),
    ("[fe80::7%25eth0]:443", "fe80::7"),
    ("198.51.100.1, 203.0.113.7", "203.0.113.7"),
    ("198.51.100.1,203.0.113.7:80", "203.0.113.7"),
    (",, 203.0.113.7", "203.0.113.7"),
    ('"198.51.100.1, 203.0.113.7', "203.0.113.7"),
    ('for="198.51.100.1, 203.0.113.7', "203.0.113.7"),
    ("198.51.100.1\\, 203.0.113.7", "203.0.113.7"),
    # No address: the peer's own.
    ("", PROXY),
    ("unknown", PROXY),
    ("_hidden", PROXY),
    ("-", PROXY),
    ("localhost", PROXY),
    ("for=203.0.113.7", PROXY),
    ("203.0.113", PROXY),
    ("203.0.113.007", PROXY),
    ("203.0.113.256", PROXY),
    ("0xcb007107", PROXY),
    ("3405803783", PROXY),
    ("203.0.113.0/24", PROXY),
    ("203.0.113.7:port", PROXY),
    ("203.0.113.7 198.51.100.1", PROXY),
    ("٢٠٣.0.113.7", PROXY),
    ("[2001:db8::7", PROXY),
    ("[2001:db8::7]x", PROXY),
    ("2001:db8::7::1", PROXY),
    ("198.51.100.1, unknown", PROXY),
    ("198.51.100.1, ", PROXY),
    ("198.51.100.1,", PROXY),
    ("x" * 5000, PROXY),
]


@pytest.fixture(scope="module")
def behind(shared_instance: Path) -> Iterator[Site]:
    """A site behind one trusted proxy."""
    opened = Site(shared_instance, TRUSTED_PROXIES="1")
    yield opened
    opened.close()


_numbers = count()


def member(behind: Site, forwarded: str) -> Browser:
    """Sign up by way of the proxy."""
    browser = behind.browser(address=PROXY)
    email = f"person-{next(_numbers)}@example.org"
    form = {"name": "Ada", "email": email, "password": PASSWORD}
    browser.post("/sign-up", {"X-Forwarded-For": forwarded}, **form)
    return browser


def guess(behind: Site, account: str, forwarded: str) -> int:
    form = {"email": account, "password": "wrong wrong"}
    return behind.browser(address=PROXY).post("/sign-in", {"X-Forwarded-For": forwarded}, **form).status_code


@pytest.mark.parametrize(("forwarded", "expected"), SPELLINGS)
def test_every_entry_of_a_proxy_is_read_as_an_address_or_becomes_the_proxys(forwarded: str, expected: str) -> None:
    assert address.client(PROXY, forwarded, 1) == expected


@pytest.mark.page
@pytest.mark.parametrize(("forwarded", "expected"), [row for row in SPELLINGS if row[0].isascii()])
def test_the_lists_the_log_and_known_places_have_that_one_text(
    behind: Site, caplog: pytest.LogCaptureFixture, forwarded: str, expected: str
) -> None:
    caplog.set_level(logging.INFO, "signed_out.security")
    browser = member(behind, forwarded)
    [listed] = browser.get("/devices", Accept="application/json", **{"X-Forwarded-For": forwarded}).json["sessions"]
    assert listed["address"] == expected
    newest = behind.query("SELECT address FROM activity ORDER BY id DESC LIMIT 1")
    assert newest == [(expected,)]
    signed_up = [json.loads(record.message) for record in caplog.records if '"signed_up"' in record.message]
    assert [line["address"] for line in signed_up] == [expected]
    assert behind.query("SELECT place FROM known_places ORDER BY id DESC LIMIT 1") == [(address.subnet(expected),)]


PEERS = [
    ("203.0.113.7", "", 0, "203.0.113.7"),
    ("203.0.113.7", "198.51.100.1", 0, "203.0.113.7"),
    ("::ffff:203.0.113.7", "", 0, "203.0.113.7"),
    ("fe80::7%eth0", "", 0, "fe80::7"),
    ("2001:db8:0:0::7", "", 0, "2001:db8::7"),
    ("", "", 0, address.UNKNOWN),
    ("", "unknown", 1, address.UNKNOWN),
    ("", "203.0.113.7", 1, "203.0.113.7"),
    ("::ffff:10.0.0.2", "unknown", 1, PROXY),
    (PROXY, "203.0.113.7, 10.0.0.1", 2, "203.0.113.7"),
    (PROXY, "198.51.100.1, 203.0.113.7, 10.0.0.1", 2, "203.0.113.7"),
    (PROXY, "198.51.100.1, 203.0.113.7:80, [fd00::1]:80", 2, "203.0.113.7"),
    (PROXY, "198.51.100.1, unknown, 10.0.0.1", 2, PROXY),
    (PROXY, "198.51.100.1, , 10.0.0.1", 2, PROXY),
    (PROXY, "198.51.100.1, 203.0.113.7,", 2, "203.0.113.7"),
    (PROXY, "10.0.0.1", 2, PROXY),
    (PROXY, "", 2, PROXY),
]


@pytest.mark.parametrize(("peer", "forwarded", "proxies", "expected"), PEERS)
def test_as_many_proxies_are_believed_as_are_trusted(peer: str, forwarded: str, proxies: int, expected: str) -> None:
    assert address.client(peer, forwarded, proxies) == expected


NETWORKS = [
    ("203.0.113.7", "203.0.113.7", None, "203.0.113.0/24"),
    ("203.0.113.7:80", "203.0.113.7", None, "203.0.113.0/24"),
    ("::ffff:203.0.113.7", "203.0.113.7", None, "203.0.113.0/24"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8:1::/48"),
    ("2001:db8:1:2:aaaa::9", "2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8:1::/48"),
    ("2001:db8:1:3::9", "2001:db8:1:3::/64", "2001:db8:1::/48", "2001:db8:1::/48"),
    ("fe80::1%eth0", "fe80::/64", "fe80::/48", "fe80::/48"),
    ("junk", address.UNKNOWN, None, None),
    ("", address.UNKNOWN, None, None),
]


@pytest.mark.parametrize(("text", "subnet", "block", "network"), NETWORKS)
def test_addresses_that_one_household_changes_by_itself_are_one_network(
    text: str, subnet: str, block: str | None, network: str | None
) -> None:
    assert (address.subnet(text), address.block(text), address.network(text)) == (subnet, block, network)


@pytest.mark.page
def test_another_spelling_of_an_address_is_no_other_guesser_and_other_visitors_go_on(behind: Site) -> None:
    spellings = [forwarded for forwarded, expected in SPELLINGS if expected == "203.0.113.7"]
    account = "spelled@example.org"
    assert [guess(behind, account, forwarded) for forwarded in spellings[:11]] == [422] * 10 + [429]
    assert {guess(behind, account, forwarded) for forwarded in spellings} == {429}
    assert guess(behind, account, "203.0.113.8:49152") == 422
    assert guess(behind, account, "::ffff:203.0.113.9") == 422


@pytest.mark.page
def test_junk_before_the_proxys_entry_hides_no_client(behind: Site) -> None:
    """A quote that the client leaves open must not swallow what the proxy has added."""
    account = "quoted@example.org"
    headers = ['"', 'a="b', '",', "\\", '"\\"']
    answers = [guess(behind, account, f"{headers[number % 5]}, 198.51.100.77") for number in range(11)]
    assert answers == [422] * 10 + [429]
    assert guess(behind, account, "198.51.100.78") == 422


@pytest.mark.sqlite
def test_a_socket_that_takes_both_families_names_an_ipv4_visitor_by_the_ipv4_address(instance: Path) -> None:
    server = Server(instance, HOST="::", WORKERS="1")
    try:
        server.address = "127.0.0.1"
        ada = server.join("ada@example.org")
        page = server.read("/devices", ada)
        assert "127.0.0.1" in page
        assert "::ffff" not in page
        assert server.query("SELECT place FROM known_places") == [("127.0.0.1",)]
    finally:
        server.stop()
