"""Starts the site: one supervisor, several workers."""

import errno
import gc
import os
import resource
import signal
import socket
import sys
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from gunicorn.app.base import BaseApplication

from app import config, create_app
from app.mail import outbox
from app.serving import certificate
from app.serving.master import Master
from app.serving.worker import MOST_LINES, RESERVED_FILES, Buffered
from app.telemetry import metrics
from app.web import live


class Worker(Buffered):
    """What open pages and relying parties ask by themselves holds up no other request."""

    polls = frozenset({live.PATH, "/lab/revoked"})
    pollers = config.POLLERS


class Site(BaseApplication):  # type: ignore[misc]
    """Gunicorn, with each worker building its own application after it was forked."""

    def __init__(self, settings: config.Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        options: dict[str, Any] = {
            "bind": f"[{settings.host}]:{settings.port}"
            if ":" in settings.host
            else f"{settings.host}:{settings.port}",
            "workers": settings.workers,
            "worker_class": Worker,
            "threads": config.THREADS,
            "limit_request_line": 0,  # the worker has its own limits, which lead to our pages
            "graceful_timeout": 8,  # seconds to finish what runs: within the ten that containers are given to stop
            "forwarded_allow_ips": "",  # TRUSTED_PROXIES decides
            "loglevel": "warning",
            "control_socket_disable": True,
            "child_exit": lambda server, worker: metrics.forget(worker.pid),
            "when_ready": lambda server: print(_greeting(settings), flush=True),
        }
        if settings.tls:
            options |= dict.fromkeys(("certfile", "keyfile"), str(_certify(settings)))
        for name, value in options.items():
            self.cfg.set(name, value)

    def run(self) -> None:
        Master(self).run()

    def load(self) -> Any:
        app = create_app()
        app.extensions["store"].start()
        app.extensions["delivery"].start()
        app.extensions["courier"].start()
        outbox.start(app)
        app.extensions["executor"].start()
        app.extensions["ticker"].start()
        return app


def _greeting(settings: config.Settings) -> str:
    at = f"Signed Out is at {settings.site_url}"
    if not settings.tls:
        return at
    authority = _certificates(settings) / certificate.AUTHORITY
    return f"{at}\nYour browser warns until it trusts {authority}: docs/operate.md says how."


def _certify(settings: config.Settings) -> Path:
    """Return the certificate for every name that clients may use for this machine."""
    folder = _certificates(settings)
    hosts = (urlsplit(settings.site_url).hostname or "", socket.gethostname(), settings.host)
    try:
        return certificate.furnish(folder, hosts)
    except ValueError:
        sys.exit(f"TLS=1: {folder} is damaged: remove it.")
    except OSError as problem:
        sys.exit(f"INSTANCE_PATH cannot be used: {problem}.")


def _certificates(settings: config.Settings) -> Path:
    return settings.instance_path / "tls"


def _check_address(settings: config.Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as problem:
            sys.exit(_explain(settings, problem))


def _explain(settings: config.Settings, problem: OSError) -> str:
    if problem.errno in (errno.EADDRINUSE, errno.EACCES):
        mend = "stop what listens there, or set PORT."
        return f"PORT={settings.port} cannot be used on {settings.host} ({problem.strerror}): {mend}"
    mend = "give an address of this machine, such as 127.0.0.1, 0.0.0.0 or ::."
    return f"HOST={settings.host} cannot be used ({problem.strerror}): {mend}"


def _raise_file_limit() -> None:
    """Let each worker keep as many connections open as it can serve; the usual limit is 1,024 files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_LINES + 2 * RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))  # the first process of a container has no such handler
    settings = config.load(os.environ)
    _check_address(settings)
    _raise_file_limit()
    create_app()  # before the workers: they find the database up to date and the secrets made
    gc.collect()
    gc.freeze()  # workers share what is imported here, and garbage collection would copy each page of it
    Site(settings).run()
