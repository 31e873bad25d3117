"""The server: a slow client delays no other, what cannot be read is refused by our page, and a stop loses nothing."""

import http.client
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, suppress
from email import message_from_string
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest

from tests.backings import free_port
from tests.browsers import ACCESS, PASSWORD, Pocket
from tests.forking import PROJECT
from tests.server import Server

pytestmark = pytest.mark.server

LONG = os.environ.get("LONG") == "1"
STUCK = 150  # more than both workers have threads
IDLE = 2000 if LONG else 400
FORM = "Content-Type: application/x-www-form-urlencoded\r\n"
HOST = "Host: localhost\r\n"


@pytest.fixture(autouse=True, scope="module")
def _room_for_clients() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    running = Server(shared_instance, WORKERS="2")
    yield running
    running.stop()


def connect(server: Server, sent: str = "", *, room: int | None = None) -> socket.socket:
    """Connect, and send something. *room*: bytes that the client takes before it stops reading."""
    client = socket.socket(socket.AF_INET6 if ":" in server.address else socket.AF_INET)
    client.settimeout(120)
    if room:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, room)
    try:
        client.connect((server.address, server.port))
        client.sendall(sent.encode())
    except OSError:
        client.close()
        raise
    return client


def read(client: socket.socket) -> tuple[int, str, str]:
    """Read to the end of the connection; return the last status, its headers and its body."""
    content = b""
    while more := client.recv(65536):
        content += more
    head, _, body = content[content.rindex(b"HTTP/1.") :].decode().partition("\r\n\r\n")
    return int(head.split()[1]), head, body


def ask(server: Server, sent: str) -> tuple[int, str, str]:
    with closing(connect(server, sent)) as client:
        return read(client)


def is_open(client: socket.socket) -> bool:
    """Whether the server still holds this connection, and has said nothing on it."""
    client.setblocking(False)
    try:
        return bool(client.recv(1)) and False
    except BlockingIOError:
        return True
    except OSError:
        return False
    finally:
        client.settimeout(120)


def half_a_body(server: Server) -> socket.socket:
    return connect(server, f"POST /sign-in HTTP/1.1\r\n{HOST}{FORM}Content-Length: 40\r\n\r\nemail=ada")


def half_a_chunk(server: Server) -> socket.socket:
    return connect(server, f"POST /sign-in HTTP/1.1\r\n{HOST}{FORM}Transfer-Encoding: chunked\r\n\r\n28\r\nemail=ada")


def half_a_header(server: Server) -> socket.socket:
    return connect(server, f"GET / HTTP/1.1\r\n{HOST}X-Slow: ")


def half_a_first_line(server: Server) -> socket.socket:
    return connect(server, "GET /sign")


def a_slow_reader(server: Server) -> socket.socket:
    asked = f"GET /openapi.json HTTP/1.1\r\n{HOST}\r\n"
    return connect(server, asked * 60, room=1024)  # one after the other, and far more than fits on the way


@pytest.mark.sqlite
@pytest.mark.parametrize(
    ("begin", "count"),
    [
        (half_a_body, STUCK),
        (half_a_chunk, STUCK),
        (half_a_header, STUCK),
        (half_a_first_line, STUCK),
        (connect, IDLE),
        (a_slow_reader, STUCK),
    ],
    ids=["half a body", "half a chunk", "half a header", "half a first line", "idle", "slow readers"],
)
def test_others_are_served_while_slow_clients_are_held(
    server: Server, begin: Callable[[Server], socket.socket], count: int
) -> None:
    with ExitStack() as held:
        stuck = [held.enter_context(closing(begin(server))) for _ in range(count)]
        ada = server.join(f"{begin.__name__}@example.org")
        assert all(server.is_signed_in(ada) for _ in range(20))
        assert server.ask("POST", "/sign-out", ada)[0] == 303
        assert not server.is_signed_in(ada)
        if begin is not a_slow_reader:
            assert all(map(is_open, stuck)), "they were held all the time"


@pytest.mark.sqlite
def test_a_slow_client_is_answered_once_it_has_sent_everything(server: Server) -> None:
    server.join("slow@example.org")
    with closing(connect(server, "POST /sign-in HTTP/1.1\r\n")) as client:
        body = f"email=slow%40example.org&password={PASSWORD.replace(' ', '+')}"
        for part in (HOST, FORM, f"Content-Length: {len(body)}\r\nConnection: close\r\n", "\r\n", body[:9], body[9:]):
            assert is_open(client)
            client.sendall(part.encode())
        status, head, _ = read(client)
    assert status == 303
    assert ACCESS in head


@pytest.mark.sqlite
def test_requests_sent_at_once_on_one_connection_are_answered_in_order(server: Server) -> None:
    sent = "".join(f"GET {path} HTTP/1.1\r\n{HOST}\r\n" for path in ("/healthz", "/nowhere", "/sign-in"))
    with closing(connect(server, f"{sent}GET /healthz HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n")) as client:
        content = b""
        while more := client.recv(65536):
            content += more
    statuses = [int(part[:3]) for part in content.split(b"HTTP/1.1 ")[1:]]
    assert statuses == [200, 404, 200, 200]


@pytest.mark.sqlite
def test_an_answer_has_its_own_date_and_does_not_name_the_server(server: Server) -> None:
    asked_at = int(time.time())
    _, head, _ = ask(server, f"GET /healthz HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n")
    headers = message_from_string(head.partition("\r\n")[2])
    assert asked_at <= parsedate_to_datetime(headers["Date"]).timestamp() <= time.time()
    assert "Server" not in headers


@pytest.mark.sqlite
def test_a_client_that_waits_for_a_sign_to_go_on_gets_it(server: Server) -> None:
    head = (
        f"POST /sign-in HTTP/1.1\r\n{HOST}{FORM}Expect: 100-continue\r\nContent-Length: 7\r\nConnection: close\r\n\r\n"
    )
    with closing(connect(server, head)) as client:
        assert client.recv(1024) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"email=a")
        assert read(client)[0] == 422


TOO_LONG = "x" * 17_000
UNREADABLE = [
    ("no request", "hello\r\n\r\n", 400),
    ("lines that end in LF alone", "GET / HTTP/1.1\nHost: localhost\n\n", 400),
    ("a handshake of TLS", "\x16\x03\x01\x01\x07\x01", 400),
    ("another protocol", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ("two lengths", f"POST / HTTP/1.1\r\n{HOST}Content-Length: 1\r\nContent-Length: 2\r\n\r\nx", 400),
    ("a length and chunks", f"POST / HTTP/1.1\r\n{HOST}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    ("no length at all", f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: gzip\r\n\r\n", 400),
    ("a chunk of a strange size", f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n-1\r\n\r\n", 400),
    ("a chunk that is longer than it says", f"POST / HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n1\r\nxyz\r\n0\r\n\r\n", 400),
    ("a name with a space", f"GET / HTTP/1.1\r\n{HOST}A b: c\r\n\r\n", 400),
    ("a long address", f"GET /{TOO_LONG} HTTP/1.1\r\n{HOST}\r\n", 414),
    ("an address without an end", f"GET /{TOO_LONG}", 414),
    ("a long header", f"GET / HTTP/1.1\r\n{HOST}X: {'x' * 10_000}\r\n\r\n", 431),
    ("many headers", f"GET / HTTP/1.1\r\n{HOST}{'X: x' * 200}\r\n\r\n".replace("xX", "x\r\nX"), 431),
    ("headers without an end", f"GET / HTTP/1.1\r\n{HOST}" + "X: x\r\n" * 12_000, 431),
    ("a body that is said to be long", f"POST /sign-in HTTP/1.1\r\n{HOST}{FORM}Content-Length: {1 << 30}\r\n\r\n", 413),
    ("a first chunk that is long", f"POST /sign-in HTTP/1.1\r\n{HOST}Transfer-Encoding: chunked\r\n\r\n20000\r\n", 413),
]  # fmt: skip


@pytest.mark.sqlite
@pytest.mark.parametrize(("sent", "status"), [row[1:] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE])
def test_an_unreadable_request_is_refused_by_our_page(server: Server, sent: str, status: int) -> None:
    found, head, body = ask(server, sent)
    assert found == status
    assert "</html>" in body
    assert "\r\nContent-Security-Policy: default-src 'none'" in head
    assert "\r\nX-Content-Type-Options: nosniff" in head
    assert "\r\nServer:" not in head


LONG_HEADER = f"X: {'x' * 10_000}\r\n\r\n"
UNREADABLE_TO_PROGRAMS = [
    *((path, LONG_HEADER, 431) for path in ("/api/me", "/live", "/oauth/token", "/log/checkpoint", "/lab/api/status")),
    ("/lab/api/status?x", "X: x\r\n" * 12_000, 431),
    (f"/lab/api/status?{TOO_LONG}", "\r\n", 414),
    (f"/lab/api/{TOO_LONG}", "\r\n", 414),
    ("/lab/api/status", "A b: c\r\n\r\n", 400),
]


@pytest.mark.sqlite
@pytest.mark.parametrize(("address", "headers", "status"), UNREADABLE_TO_PROGRAMS, ids=lambda value: str(value)[:20])
def test_a_program_is_told_in_json_that_its_request_is_unreadable(
    server: Server, address: str, headers: str, status: int
) -> None:
    found, head, body = ask(server, f"POST {address} HTTP/1.1\r\n{HOST}{headers}")
    assert (found, json.loads(body)) == (status, {"error": "invalid_request"})
    assert "\r\nContent-Type: application/json\r\n" in head


@pytest.mark.sqlite
def test_an_address_of_sixteen_thousand_characters_is_read(server: Server) -> None:
    assert ask(server, f"GET /healthz?{'x' * 16_000} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n")[0] == 200


def in_chunks(body: str, size: int) -> str:
    parts = [body[start : start + size] for start in range(0, len(body), size)]
    return "".join(f"{len(part):x}\r\n{part}\r\n" for part in parts) + "0\r\nX-Trailer: nothing\r\n\r\n"


@pytest.mark.sqlite
@pytest.mark.parametrize("size", [1, 7, 1000])
def test_a_form_that_comes_in_chunks_is_read_whole(server: Server, size: int) -> None:
    email = f"chunks-{size}@example.org"
    server.join(email)
    body = in_chunks(f"email={email}&password={PASSWORD.replace(' ', '+')}", size)
    head = f"POST /sign-in HTTP/1.1\r\n{HOST}{FORM}Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    assert ask(server, head + body)[0] == 303


@pytest.mark.sqlite
@pytest.mark.parametrize("size", [1000, 60_000])
def test_a_body_in_chunks_that_is_too_long_is_refused_and_not_acted_upon(server: Server, size: int) -> None:
    ada = server.join(f"too-long-{size}@example.org")
    cookies = "; ".join(f"{name}={value}" for name, value in ada.items())
    head = f"POST /sign-out HTTP/1.1\r\n{HOST}{FORM}Cookie: {cookies}\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert ask(server, head + in_chunks("x" * 70_000, size))[0] == 413
    assert server.is_signed_in(ada)


@pytest.mark.sqlite
@pytest.mark.parametrize("host", ["::", "::1", "0.0.0.0"])  # noqa: S104 - what is tried
def test_it_listens_where_it_is_told_and_a_port_in_use_is_one_clear_line(instance: Path, host: str) -> None:
    server = Server(instance, HOST=host, WORKERS="1")
    try:
        assert server.read("/healthz")
        with pytest.raises(RuntimeError, match=rf"^PORT={server.port} cannot be used on {host} ") as stopped:
            Server(instance, HOST=host, PORT=str(server.port))
        assert str(stopped.value).count("\n") == 1
    finally:
        server.stop()


@pytest.mark.sqlite
@pytest.mark.parametrize("host", ["nowhere.invalid", "203.0.113.1", "2001:db8::1"])
def test_an_address_that_is_not_this_machine_is_one_clear_line(instance: Path, host: str) -> None:
    with pytest.raises(RuntimeError, match=rf"^HOST={host} cannot be used \(.*\): give an address") as stopped:
        Server(instance, HOST=host)
    assert str(stopped.value).count("\n") == 1


@pytest.mark.sqlite
def test_a_killed_worker_is_replaced(instance: Path) -> None:
    server = Server(instance, WORKERS="1")
    try:
        [before] = server.workers()
        os.kill(before, signal.SIGKILL)
        while server.workers() in ([before], []):
            time.sleep(0.01)
        assert server.read("/healthz"), "it waits at the door until the new one has started"
    finally:
        server.stop()


@pytest.mark.sqlite
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_the_supervisor_ends_every_process(instance: Path, how: int) -> None:
    server = Server(instance, anew=True, WORKERS="2")
    workers = server.workers()
    with ExitStack() as held:
        for begin in (connect, half_a_body, half_a_header, a_slow_reader):
            held.enter_context(closing(begin(server)))
        server.begin_to_stop(how)
        assert server.wait_until_stopped() == 0
    for pid in workers:
        while Path(f"/proc/{pid}").exists():  # the process that collects it may take a moment
            time.sleep(0.01)


class Visitor(threading.Thread):
    """Connects again for each request, until no server accepts it."""

    def __init__(self, server: Server, pocket: Pocket) -> None:
        super().__init__()
        self._server = server
        cookies = "; ".join(f"{name}={value}" for name, value in pocket.items())
        self._request = f"GET /account HTTP/1.1\r\n{HOST}Cookie: {cookies}\r\nConnection: close\r\n\r\n"
        self.statuses: list[int] = []
        self.lost: list[Exception] = []
        self.has_begun = threading.Event()

    def run(self) -> None:
        with suppress(ConnectionRefusedError):
            while True:
                self._visit(connect(self._server))

    def _visit(self, client: socket.socket) -> None:
        with closing(client):
            try:
                client.sendall(self._request.encode())
                self.statuses.append(read(client)[0])
            except (OSError, ValueError) as problem:
                self.lost.append(problem)
        self.has_begun.set()


@pytest.mark.nodes
def test_a_stop_under_load_loses_no_request_that_was_let_in(instance: Path) -> None:
    server = Server(instance, WORKERS="2")
    ada = server.join("ada@example.org")
    visitors = [Visitor(server, ada) for _ in range(12)]
    for visitor in visitors:
        visitor.start()
    for visitor in visitors:
        visitor.has_begun.wait()
    server.begin_to_stop()
    for visitor in visitors:
        visitor.join()
    assert server.wait_until_stopped() == 0
    assert not [problem for visitor in visitors for problem in visitor.lost]
    found = {status for visitor in visitors for status in visitor.statuses}
    assert 200 in found
    assert found <= {200, 503}, "a database that has no time is no lost answer"


@pytest.mark.nodes
def test_a_request_of_which_a_byte_was_read_is_answered_though_the_server_stops(instance: Path) -> None:
    server = Server(instance, WORKERS="1")
    kept = http.client.HTTPConnection(server.address, server.port, timeout=60)
    kept.request("GET", "/healthz")
    kept.getresponse().read()
    request = f"GET /healthz HTTP/1.1\r\n{HOST}\r\n"
    with closing(connect(server, request[:1])) as new, closing(kept):
        kept.send(request[:1].encode())
        server.read("/healthz")  # all input before it has been read
        server.begin_to_stop()
        while accepts(server):
            time.sleep(0.01)
        for client in (new, kept.sock):
            client.sendall(request[1:].encode())
            status, head, _ = read(client)
            assert status == 200
            assert "Connection: close" in head
    assert server.wait_until_stopped() == 0


def accepts(server: Server) -> bool:
    client = socket.socket()
    client.settimeout(1)
    with closing(client), suppress(OSError):
        client.connect((server.address, server.port))
        return True
    return False


@pytest.fixture
def polled(tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A server of four threads whose `/live` answers no request before there is a file: its port, and the file."""
    port, gate = free_port(), tmp_path / "gate"
    words = ["gunicorn", "tests.polled:app", "-k", "tests.polled.Worker", "--threads", "4", "-b", f"127.0.0.1:{port}"]
    environ, last = os.environ | {"GATE": str(gate)}, ["--timeout", "0", "--no-control-socket"]
    running = subprocess.Popen([sys.executable, "-m", *words, *last], cwd=PROJECT, env=environ)
    yield port, gate
    gate.touch()
    running.terminate()
    running.wait(timeout=60)


def get(port: int, path: str) -> socket.socket:
    while True:
        try:
            client = socket.create_connection(("127.0.0.1", port), timeout=120)
        except ConnectionRefusedError:
            time.sleep(0.01)  # nothing to wait on: the port is not open yet
        else:
            client.sendall(f"GET {path} HTTP/1.1\r\n{HOST}Connection: close\r\n\r\n".encode())
            return client


@pytest.mark.sqlite
def test_open_pages_that_ask_and_are_not_answered_hold_up_no_other_request(polled: tuple[int, Path]) -> None:
    port, gate = polled
    with ExitStack() as open_pages:
        asking = [open_pages.enter_context(closing(get(port, "/live?session=1"))) for _ in range(20)]
        for _ in range(5):
            with closing(get(port, "/sign-out")) as client:
                assert read(client)[0] == 200
        assert all(map(is_open, asking))
        gate.touch()
        assert [read(client)[0] for client in asking] == [200] * 20


@pytest.mark.sqlite
def test_no_request_on_a_kept_connection_waits_until_the_loop_turns_by_itself(polled: tuple[int, Path]) -> None:
    port, gate = polled
    kept, waiting = (f"GET {path} HTTP/1.1\r\n{HOST}\r\n".encode() for path in ("/", "/live"))
    with ExitStack() as clients:

        def look_around() -> None:
            """All that was sent before has been read once this is answered. To close the connection would wake the loop."""
            assert read(clients.enter_context(closing(get(port, "/"))))[0] == 200

        look_around()
        client = clients.enter_context(closing(socket.create_connection(("127.0.0.1", port), timeout=120)))
        client.sendall(kept * 3)
        take(client, 3)
        client.sendall(kept)
        take(client, 1)
        client.sendall(waiting)
        look_around()
        client.sendall(kept)
        look_around()
        gate.touch()
        take(client, 2)


def take(client: socket.socket, count: int) -> None:
    """Read this number of answers of `tests.polled`."""
    content = b""
    while content.count(b"\r\n\r\nok") < count:
        more = client.recv(65536)
        assert more
        content += more
