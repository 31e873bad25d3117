"""A server before a site: it passes requests on, over TLS if it has a certificate."""

import http.client
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from threading import Thread
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.engines.driver import PATIENCE

HOPS = ("connection", "transfer-encoding")  # what concerns one connection alone


class Front(ThreadingHTTPServer):
    """Stands before the site at port *behind* of this machine, and tells it the scheme, as proxies do."""

    daemon_threads = True
    scheme = "http"

    def __init__(self, behind: int = 0) -> None:
        super().__init__(("127.0.0.1", 0), Passage)
        self.behind = behind

    @property
    def url(self) -> str:
        return f"{self.scheme}://localhost:{self.server_port}"

    def wear(self, certificate: Path) -> None:
        """Serve over TLS from now on."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
        # Each connection shakes hands in its own thread, at its first read: a slow one holds up no other.
        self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
        self.scheme = "https"

    def deliver(self, asked: str, status: int) -> bool:
        """Return whether the browser gets the site's answer to what it *asked*."""
        return True

    def handle_error(self, *_: Any) -> None:
        """Say nothing: the browser left and takes no answer, or does not trust the certificate yet."""


class Passage(BaseHTTPRequestHandler):
    """One request on its way through."""

    server: Front

    def do_GET(self) -> None:
        sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        told = {**dict(self.headers.items()), "X-Forwarded-Proto": self.server.scheme}
        with closing(http.client.HTTPConnection("127.0.0.1", self.server.behind, timeout=PATIENCE)) as site:
            site.request(self.command, self.path, sent, told)
            answer = site.getresponse()
            body = answer.read()
        if not self.server.deliver(f"{self.command} {self.path}", answer.status):
            return
        self.send_response_only(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in HOPS:
                self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_POST(self) -> None:
        self.do_GET()

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@contextmanager
def standing(front: Front) -> Iterator[None]:
    """Let *front* answer meanwhile."""
    Thread(target=front.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        front.shutdown()
        front.server_close()


def sign_certificate(folder: Path) -> Path:
    """Make a certificate for this machine that no authority signed; return the file with it and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    file = folder / "certificate.pem"
    file.write_bytes(private + certificate.public_bytes(pem))
    return file
