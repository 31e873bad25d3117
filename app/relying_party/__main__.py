"""Starts the site: `python -m app.relying_party --issuer URL --delivery push --port 8001`."""

import os
import socket
import sys
from typing import Any
from urllib.parse import urlsplit

import click
from gunicorn.app.base import BaseApplication

from app.relying_party.deliveries import POLL_SECONDS
from app.relying_party.issuer import Issuer
from app.relying_party.site import DELIVERIES, create_site

THREADS = 16


class Server(BaseApplication):  # type: ignore[misc]
    """Gunicorn with one worker, which is the one that hears of revocations."""

    def __init__(self, host: str, port: int, says: str, **site: Any) -> None:
        self._options = {
            "bind": f"[{host}]:{port}" if ":" in host else f"{host}:{port}",
            "workers": 1,
            "worker_class": "gthread",
            "threads": THREADS,
            "forwarded_allow_ips": "",
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": lambda server: click.echo(says),
        }
        self._site = site
        super().__init__()

    def load_config(self) -> None:
        for name, value in self._options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        site = create_site(Issuer(self._site.pop("issuer")), **self._site)
        site.extensions["party"].start()
        return site


def _origin(_context: click.Context, _option: click.Parameter, url: str | None) -> str | None:
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path.strip("/") or parts.query:
        raise click.BadParameter("give scheme and host only, as in http://localhost:8000")
    return url.rstrip("/")


@click.command()
@click.option("--issuer", required=True, callback=_origin, help="Address of the site that people sign in with.")
@click.option("--delivery", required=True, type=click.Choice(DELIVERIES), help="How news of sign-outs arrive.")
@click.option("--port", required=True, type=click.IntRange(1, 65535))
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--every", default=POLL_SECONDS, show_default=True, type=click.FloatRange(0.1), help="Seconds; for poll.")
@click.option("--url", callback=_origin, help="Public address of this site, if it is not http://HOST:PORT.")
@click.option(
    "--client-id", envvar="CLIENT_ID", help="What the issuer calls this site; its secret is in CLIENT_SECRET."
)
def main(port: int, host: str, url: str | None, client_id: str | None, **site: Any) -> None:
    """A second site, to which people sign in with the issuer. It knows nothing of it but its address."""
    secret = os.environ.get("CLIENT_SECRET", "")
    if client_id and not secret:
        sys.exit("CLIENT_SECRET is missing: set it in the environment, where no list of processes shows it.")
    _check_port(host, port)
    url = url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    says = f"A relying party ({site['delivery']}) is at {url}"
    Server(host, port, says, url=url, client_id=client_id, secret=secret, **site).run()


def _check_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as problem:
            sys.exit(f"Cannot listen on {host}, port {port}: {problem.strerror}.")


if __name__ == "__main__":
    main(prog_name="relying-party")
