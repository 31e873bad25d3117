"""https with one command: a certificate that browsers can trust, and a server that uses it."""

import http.client
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest

from app.serving import certificate
from tests.browsers import ACCESS, PASSWORD, PROBE, REFRESH
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.sqlite]


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    running = Server(shared_instance, TLS="1", WORKERS="2")
    yield running
    running.stop()


def shake_hands(file: Path, authority: Path, host: str) -> None:
    """Let a client that trusts *authority* alone ask for *host*. Raises SSLError."""
    theirs, ours = (ssl.MemoryBIO() for _ in range(2))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    trusting = ssl.create_default_context(cafile=authority)
    site = context.wrap_bio(theirs, ours, server_side=True)
    browser = trusting.wrap_bio(ours, theirs, server_hostname=host)
    for _ in range(4):
        for side in (browser, site):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert browser.version() == "TLSv1.3"


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1", "laptop.example", "192.0.2.7"])
def test_a_browser_that_trusts_the_authority_accepts_each_name_of_this_machine(tmp_path: Path, host: str) -> None:
    file = certificate.furnish(tmp_path, ("laptop.example", "192.0.2.7"))
    shake_hands(file, tmp_path / certificate.AUTHORITY, host)


def test_no_other_name_is_covered(tmp_path: Path) -> None:
    file = certificate.furnish(tmp_path, ())
    with pytest.raises(ssl.SSLCertVerificationError):
        shake_hands(file, tmp_path / certificate.AUTHORITY, "laptop.example")


def test_it_is_made_once_and_kept_from_others(tmp_path: Path) -> None:
    folder = tmp_path / "tls"
    first = certificate.furnish(folder, ("laptop.example",)).read_bytes()
    assert certificate.furnish(folder, ("localhost",)).read_bytes() == first
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in folder.iterdir()} == {0o600}


def test_the_key_of_the_authority_is_not_kept(tmp_path: Path) -> None:
    certificate.furnish(tmp_path, ())
    kept = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert kept.count(b"PRIVATE KEY-----\n") == 2  # it begins and ends once: the site's own
    with pytest.raises(ssl.SSLError, match="KEY_VALUES_MISMATCH"):
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / certificate.AUTHORITY, tmp_path / "site.pem")


def test_it_is_made_again_for_a_new_name_and_before_it_ends(tmp_path: Path) -> None:
    now = datetime.now(UTC) - timedelta(days=800)
    first = certificate.furnish(tmp_path, (), now).read_bytes()
    named = certificate.furnish(tmp_path, ("laptop.example",), now).read_bytes()
    assert named != first
    assert certificate.furnish(tmp_path, ("laptop.example",), now + timedelta(days=700)).read_bytes() == named
    late = certificate.furnish(tmp_path, ("laptop.example",), now + timedelta(days=800))
    assert late.read_bytes() != named
    shake_hands(late, tmp_path / certificate.AUTHORITY, "laptop.example")


def test_people_sign_in_over_it_with_the_strictest_cookies(server: Server) -> None:
    with closing(server.connect(60)) as browser:
        form = urlencode({"name": "Ada", "email": "ada@example.org", "password": PASSWORD})
        headers = {"Origin": server.url, "Content-Type": "application/x-www-form-urlencoded"}
        browser.request(
            "POST", "/sign-up", form, headers | {"Host": f"localhost:{server.port}", "Cookie": f"{PROBE}=1"}
        )
        answer = browser.getresponse()
        answer.read()
        cookies = {line.partition("=")[0]: line for line in answer.headers.get_all("Set-Cookie") or []}
    assert answer.status == 303
    assert {ACCESS, REFRESH} <= cookies.keys()
    assert all("; Secure; HttpOnly" in line for line in cookies.values())
    pocket = {name: line.partition("=")[2].partition(";")[0] for name, line in cookies.items()}
    assert server.is_signed_in(pocket)
    assert server.ask("POST", "/sign-out", pocket)[0] == 303
    assert not server.is_signed_in(pocket)


def test_it_shuts_no_other_server_of_this_machine_out_of_the_browser(server: Server) -> None:
    with closing(server.connect(60)) as browser:
        browser.request("GET", "/sign-in")
        assert browser.getresponse().headers["Strict-Transport-Security"] is None


def test_requests_sent_at_once_and_answers_of_many_records_arrive_whole(server: Server) -> None:
    name = "x" * 30_000  # more than one record holds
    with closing(server.connect(60)) as browser:
        browser.request(
            "POST", "/sign-up", urlencode({"name": name}), {"Content-Type": "application/x-www-form-urlencoded"}
        )
        answer = browser.getresponse()
        page = answer.read()
        assert answer.status == 422
        assert page.rstrip().endswith(b"</html>")
        connected = browser.sock
        assert connected is not None
        asked = f"GET /healthz HTTP/1.1\r\nHost: localhost:{server.port}\r\n"
        connected.sendall((f"{asked}\r\n" * 200 + f"{asked}Connection: close\r\n\r\n").encode())
        content = b""
        while more := connected.recv(65536):
            content += more
    assert content.count(b"HTTP/1.1 200 OK") == 201


def test_clients_that_never_finish_their_handshake_hold_up_no_other(server: Server) -> None:
    hello = b"\x16\x03\x01\x02\x00"  # a record of 512 bytes, which do not come
    with ExitStack() as stack:
        for _ in range(150):  # more than both workers have threads
            stuck = stack.enter_context(closing(socket.create_connection((server.address, server.port))))
            stuck.sendall(hello)
        assert server.ask("GET", "/sign-in", {})[0] == 200


def test_a_client_that_speaks_plain_http_gets_no_page(server: Server) -> None:
    with closing(http.client.HTTPConnection(server.address, server.port, timeout=60)) as plain:
        plain.request("GET", "/sign-in")
        with pytest.raises((http.client.HTTPException, OSError)):
            plain.getresponse()
    assert server.ask("GET", "/sign-in", {})[0] == 200


def test_the_start_says_where_it_is_and_what_to_trust(server: Server) -> None:
    said = server.output()
    assert f"Signed Out is at https://localhost:{server.port}" in said
    assert str(server.folder / "tls" / "authority.pem") in said


def test_a_restart_keeps_what_browsers_trust(server: Server) -> None:
    before = (server.folder / "tls" / "authority.pem").read_bytes()
    server.stop()
    server.start()
    assert (server.folder / "tls" / "authority.pem").read_bytes() == before
