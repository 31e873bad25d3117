"""For any registered address, no request goes into a private network, unless the app is registered so."""

import socket
from collections.abc import Iterator

import httpcore
import pytest

from app.oauth.logout import network
from app.outbox.answer import Answer
from tests.oauth.logout.sink import Sink

FORM = {"logout_token": "x"}
ANY = "0.0.0.0"  # noqa: S104 - nothing listens there
FORBIDDEN = "its address leads into a private network"


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A server that must never see a connection."""
    found = Sink()
    yield found
    found.down()


def post(uri: str, *, may_be_private: bool = False) -> Answer:
    return network.post(uri, FORM, may_be_private=may_be_private)


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "localhost", "LOCALHOST",
        ANY, "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[0:0:0:0:0:0:0:1]",
    ],
)  # fmt: skip
def test_however_loopback_is_written_nothing_is_connected(sink: Sink, host: str) -> None:
    assert post(f"http://{host}:{sink.port}/logout").words == FORBIDDEN
    assert sink.connections == 0


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "127.8.8.8", ANY, "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
        "169.254.169.254", "192.0.0.1", "192.0.2.1", "198.18.0.1", "203.0.113.7", "224.0.0.1", "239.255.255.250",
        "240.0.0.1", "255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:169.254.169.254",
        "64:ff9b::7f00:1", "64:ff9b:1::a00:1", "fe80::1", "fc00::1", "fd00:ec2::254", "ff02::1", "2001:db8::1",
        "2002:7f00:1::", "2001:0:4136:e378:8000:63bf:3fff:fdd2", "100::1", "fec0::1",
    ],
)  # fmt: skip
def test_a_name_that_leads_to_such_an_address_is_never_connected(
    sink: Sink, monkeypatch: pytest.MonkeyPatch, address: str
) -> None:
    dialled = note_dials(monkeypatch)
    monkeypatch.setattr(network, "resolve", lambda host, port: [address])
    assert post(f"http://app.example:{sink.port}/logout").words == FORBIDDEN
    assert dialled == []
    assert sink.connections == 0


def test_a_name_that_leads_to_a_public_and_to_a_private_address_is_not_connected_at_all(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled = note_dials(monkeypatch)
    monkeypatch.setattr(network, "resolve", lambda host, port: ["9.9.9.9", "127.0.0.1"])
    assert post(f"http://app.example:{sink.port}/logout").words == FORBIDDEN
    assert dialled == []


def test_a_name_is_resolved_once_and_what_was_checked_is_what_is_connected(
    sink: Sink, monkeypatch: pytest.MonkeyPatch
) -> None:
    dialled, asked = note_dials(monkeypatch), []
    addresses = iter([["9.9.9.9"], ["127.0.0.1"]])

    def rebind(host: str, port: int) -> list[str]:
        asked.append(host)
        return next(addresses)

    monkeypatch.setattr(network, "resolve", rebind)
    assert post(f"http://app.example:{sink.port}/logout").words == "no connection"
    assert asked == ["app.example"]
    assert dialled == [("9.9.9.9", sink.port)]
    assert post(f"http://app.example:{sink.port}/logout").words == FORBIDDEN
    assert len(dialled) == 1
    assert sink.connections == 0


def test_where_one_of_several_public_addresses_does_not_answer_the_next_is_tried(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    dialled = note_dials(monkeypatch)
    monkeypatch.setattr(network, "resolve", lambda host, port: ["2620:fe::fe", "9.9.9.9"])
    assert post("http://app.example/").words == "no connection"
    assert dialled == [("2620:fe::fe", 80), ("9.9.9.9", 80)]


def test_a_name_without_an_address_is_no_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(host: str, port: int) -> list[str]:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(network, "resolve", fail)
    assert post("http://app.example/").words == "no connection"
    monkeypatch.setattr(network, "resolve", lambda host, port: [])
    assert post("http://app.example/").words == "no connection"


def test_nothing_is_sent_where_the_name_alone_took_all_the_time(sink: Sink, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(network, "SECONDS", 0)
    assert post(sink.uri, may_be_private=True).words == "no answer in time"
    assert sink.connections == 0


@pytest.mark.parametrize(
    "uri", ["ftp://127.0.0.1/", "file:///etc/passwd", "gopher://127.0.0.1:70/x", "/logout", "http://", "http://[", "x"]
)
def test_an_address_that_is_none_is_a_failure_like_any_other(uri: str) -> None:
    assert post(uri, may_be_private=True).outcome == "failed"


def test_a_redirect_into_the_private_network_leads_nowhere(sink: Sink) -> None:
    other = Sink()
    other.status, other.headers = 307, {"Location": sink.uri}
    assert post(other.uri, may_be_private=True).words == "HTTP 307"
    assert sink.connections == 0
    other.down()


def test_an_app_that_is_registered_for_it_is_reached_in_a_private_network(sink: Sink) -> None:
    assert post(sink.uri, may_be_private=True).words == "HTTP 200"
    assert post(f"http://localhost:{sink.port}/logout", may_be_private=True).words == "HTTP 200"


@pytest.mark.parametrize("address", ["169.254.169.254", "fe80::1", ANY, "::", "224.0.0.1", "::ffff:127.0.0.1"])
def test_even_then_not_at_what_no_app_can_have(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    dialled = note_dials(monkeypatch)
    monkeypatch.setattr(network, "resolve", lambda host, port: [address])
    assert post("http://app.example/", may_be_private=True).words == FORBIDDEN
    assert dialled == []


def note_dials(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int]]:
    """Let nothing out, and note where it was to go."""
    dialled: list[tuple[str, int]] = []

    def dial(_self: object, host: str, port: int, *_: object) -> None:
        dialled.append((host, port))
        raise httpcore.ConnectError

    monkeypatch.setattr(httpcore.SyncBackend, "connect_tcp", dial)
    return dialled
