"""The site and two relying parties, each a process with its own host: `make demo`."""

import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

PROJECT = Path(__file__).resolve().parents[2]
DELIVERIES = ("push", "poll")
STOP_SECONDS = 10


def main() -> None:
    """Start all, and stop all as soon as one of them stops or the user presses Ctrl-C."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell that starts it in the background has it ignored
    if os.environ.get("TLS", "0") != "0":
        sys.exit("TLS=1 is for `make run`: the relying parties of the demo do not know its authority.")
    port = int(os.environ.get("PORT") or 8000)
    issuer = os.environ.get("SITE_URL") or f"http://localhost:{port}"
    places = {name: (_host(number), port + number) for number, name in enumerate(DELIVERIES, 1)}
    os.environ["RELYING_PARTIES"] = " ".join(f"http://{host}:{its_port}" for host, its_port in places.values())
    running = [_start("app.py")]
    try:
        for name, (host, its_port) in places.items():
            options = {"--issuer": issuer, "--delivery": name, "--host": host, "--port": str(its_port)}
            # Through the command line of the site, which registers it and then gives way to it.
            running.append(_start("-m", "flask", "relying-party", *(word for pair in options.items() for word in pair)))
        with suppress(KeyboardInterrupt):
            os.wait()  # until one of them is gone
    finally:
        _stop(running)


def _host(number: int) -> str:
    """Return a separate loopback address, as cookies ignore the port; 127.0.0.1 if the system has only that one."""
    wanted = f"127.0.0.{number + 1}"
    with socket.socket() as probe:
        try:
            probe.bind((wanted, 0))
        except OSError:
            return "127.0.0.1"
    return wanted


def _start(*command: str) -> "subprocess.Popen[bytes]":
    # In its own session: Ctrl-C reaches only this process, which then stops them in order.
    return subprocess.Popen([sys.executable, *command], cwd=PROJECT, start_new_session=True)  # noqa: S603 - our own programs


def _stop(running: "list[subprocess.Popen[bytes]]") -> None:
    for process in running:
        process.terminate()
    for process in running:
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


if __name__ == "__main__":
    main()
