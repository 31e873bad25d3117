"""Starts the site: one supervisor, several workers."""

import os
import socket
import sys
from typing import Any

from gunicorn.app.base import BaseApplication

from app import config, create_app, metrics


class Site(BaseApplication):  # type: ignore[misc]
    """Gunicorn, with each worker building its own application after it was forked."""

    def __init__(self, settings: config.Settings) -> None:
        self._settings = settings
        super().__init__()

    def load_config(self) -> None:
        settings = self._settings
        options: dict[str, Any] = {
            "bind": f"{settings.host}:{settings.port}",
            "workers": settings.workers,
            "worker_class": "gthread",
            "threads": config.THREADS,
            "keepalive": 5,  # seconds: an open page asks again sooner, on the connection it has
            "graceful_timeout": 8,  # seconds to finish what runs: within the ten that containers are given to stop
            "forwarded_allow_ips": "",  # TRUSTED_PROXIES decides
            "loglevel": "warning",
            "control_socket_disable": True,
            "child_exit": lambda server, worker: metrics.forget(worker.pid),
            "when_ready": lambda server: print(f"Signed Out is at {settings.site_url}", flush=True),
        }
        if settings.lab:
            from app.lab import feed

            options["post_worker_init"] = lambda worker: feed.end_with(lambda: bool(worker.alive))
        for name, value in options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        app = create_app()
        app.extensions["delivery"].start()
        app.extensions["courier"].start()
        app.extensions["executor"].start()
        app.extensions["ticker"].start()
        return app


def _check_port(settings: config.Settings) -> None:
    with socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as problem:
            sys.exit(
                f"PORT={settings.port} cannot be used on {settings.host} ({problem.strerror}): stop what listens there, or set PORT."
            )


if __name__ == "__main__":
    settings = config.load(os.environ)
    _check_port(settings)
    create_app()  # before the workers: they find the database up to date and the secrets made
    Site(settings).run()
