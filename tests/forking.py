"""Starts our programs by a fork from a process that has imported them already, which saves each a second.

A program starts as a separate process in a separate session, with its own environment, and runs the program from
its first line. Only its imports were done before. So do the processes in which a server that was forked computes.

The fork server of `multiprocessing` does not do: its children end by `os._exit` alone, so nothing that a server does at its
exit would happen, and giving each child its own output, environment and session is most of this module anyway.
"""

import atexit
import gc
import json
import os
import runpy
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from contextlib import nullcontext, suppress
from dataclasses import replace
from pathlib import Path
from select import POLLIN, poll
from types import SimpleNamespace

PROJECT = Path(__file__).resolve().parent.parent
MOST = 1 << 17  # bytes of a request
Command = tuple[str, ...]  # of `python`


class Forked:
    """A process, as `subprocess.Popen` shows one, that writes into *log*, or what it complains of into *errors*."""

    def __init__(self, command: Command, environ: dict[str, str], log: Path, errors: Path | None = None) -> None:
        with log.open("w") as output, errors.open("w") if errors else nullcontext(output) as complaints:
            self._begin(command, _bare() | environ, 0, output.fileno(), complaints.fileno())

    def _begin(self, command: Command, environ: dict[str, str], *files: int) -> None:
        """Start it with these as its standard files."""
        self._command = command
        self._line, theirs = socket.socketpair()
        mother = _mother().line
        with theirs:
            message = json.dumps([command, environ]).encode()
            socket.send_fds(mother, [message], [theirs.fileno(), mother.fileno(), *files])
        self.pid = int.from_bytes(_read(self._line, 4))
        self.returncode: int | None = None

    def poll(self) -> int | None:
        if self.returncode is None and self._has_ended(0):
            self._take()
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        if self.returncode is None:
            if not self._has_ended(timeout):
                raise subprocess.TimeoutExpired(self._command, timeout or 0)
            self._take()
        assert self.returncode is not None
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def _has_ended(self, timeout: float | None) -> bool:
        line = poll()  # not `select`, which knows no more than 1,024 files
        line.register(self._line, POLLIN)
        return bool(line.poll(None if timeout is None else timeout * 1000))

    def _take(self) -> None:
        self.returncode = int.from_bytes(_read(self._line, 4), signed=True)
        self._line.close()


class Helper(Forked):
    """In place of `subprocess.Popen`, by which a server begins a process that computes."""

    def __init__(self, command: Sequence[str], cwd: Path, stdin: int, stdout: int) -> None:
        theirs_in, ours_out = os.pipe()
        ours_in, theirs_out = os.pipe()
        self.stdin, self.stdout = os.fdopen(ours_out, "wb"), os.fdopen(ours_in, "rb")
        self._begin(tuple(command[1:]), dict(os.environ), theirs_in, theirs_out, 2)
        os.close(theirs_in)
        os.close(theirs_out)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)

    def communicate(self) -> None:
        self.stdin.close()
        self.stdout.close()
        self.wait()


def begin(command: Command, environ: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start the same in a separate interpreter, which begins by importing everything."""
    with log.open("w") as output:
        return subprocess.Popen(
            [sys.executable, *command],
            cwd=PROJECT,
            env=_bare() | environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # so that a signal to its group reaches every worker
        )


def _bare() -> dict[str, str]:
    """The environment without the folder in which the tests count: what they start counts for itself."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PROMETHEUS")}


class _Mother:
    """The process that forks. It ends when this one does."""

    def __init__(self) -> None:
        self.line, theirs = socket.socketpair(type=socket.SOCK_SEQPACKET)  # each request is one packet
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "tests.forking", str(theirs.fileno())],
                cwd=PROJECT,
                env=_bare(),
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        atexit.register(self._end)

    def _end(self) -> None:
        self.line.send(b"")  # servers hold this line, too
        self.line.close()
        self._process.wait()


class _Line:
    """What a server knows of the process from which it was forked."""

    def __init__(self, number: int) -> None:
        self.line = socket.socket(fileno=number)


_alone = threading.Lock()
_begun: _Mother | _Line | None = None


def _mother() -> _Mother | _Line:
    global _begun
    with _alone:  # servers are started in threads
        _begun = _begun or _Mother()
        return _begun


def _read(line: socket.socket, length: int) -> bytes:
    found = b""
    while len(found) < length:
        more = line.recv(length - len(found))
        if not more:
            raise EOFError
        found += more
    return found


def _serve(requests: socket.socket) -> tuple[Command, int] | None:
    """Fork for each request; return twice or more: in each process that was forked its command and its line to this one,
    in the end nothing."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # a minder is not waited for
    while True:
        message, files, _, _ = socket.recv_fds(requests, MOST, 5)
        if not message:
            return None
        command, environ = json.loads(message)
        if not os.fork():
            requests.close()
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            line, mother, *standard = files
            _mind(line, standard, environ)
            return tuple(command), mother
        for file in files:
            os.close(file)


def _mind(line: int, standard: list[int], environ: dict[str, str]) -> None:
    """Fork once more and return there. In this process, say how that one ended, then end."""
    child = os.fork()
    if child:
        os.write(line, child.to_bytes(4))
        ended = os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
        status = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
        with suppress(OSError):  # a process that computes ends with its server, or after it
            os.write(line, status.to_bytes(4, signed=True))
            os.read(line, 1)  # returns when that was read: until then the id belongs to no other process
        os.waitpid(child, 0)
        os._exit(0)
    os.setsid()
    for number, file in enumerate(standard):
        os.dup2(file, number)
    for file in (line, *standard):
        os.close(file)
    os.environ.clear()
    os.environ.update(environ)
    tempfile.tempdir = None


def _run(command: Command, mother: int) -> None:
    from app.capacity import executor
    from app.store.db import db
    from app.telemetry import metrics

    global _begun
    _begun = _Line(mother)
    if os.environ.get("HELPERS") != "anew":
        executor.subprocess = SimpleNamespace(Popen=Helper, PIPE=subprocess.PIPE)  # type: ignore[assignment]
    atexit.register(db._app_engines.clear)  # frozen, it would keep the application, and its files open, at the end
    if command[0] == "-c":
        exec(command[1], {})  # noqa: S102 - our program
        return
    metrics.share_between_processes()
    if command[0] == "-m":
        sys.argv = list(command[1:])
        runpy.run_module(command[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(command)
        runpy.run_path(command[0], run_name="__main__")


def _run_to_the_end(command: Command, mother: int) -> None:
    """Run the program and end as its interpreter would, but leave the memory to the system.

    To take down each module would copy every page that this process shares with the one from which it was forked.
    """
    status: object = 0
    try:
        _run(command, mother)
    except SystemExit as ended:
        status = ended.code
    if isinstance(status, str):
        sys.stderr.write(f"{status}\n")
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    gc.collect()  # closes what the program left open, as its database
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else bool(status))


def hash_quickly() -> None:
    """Let a password cost this process, and those that it forks, next to nothing."""
    from app.identity import passwords

    passwords.PARAMETERS = replace(passwords.PARAMETERS, memory_cost=8)


def compile_routes_once() -> None:
    """Let the sites of this process, and of those that it forks, share their compiled routes: a third of making a site."""
    from werkzeug.routing import Rule

    compile_one, known = Rule.compile, {}
    made = ("_parts", "_trace", "_converters", "arguments", "_build", "_build_unknown")

    def compiled(rule: Rule) -> None:
        key = (rule.rule, rule.subdomain, rule.host, repr(rule.defaults), rule.merge_slashes)
        if key not in known:
            compile_one(rule)
            known[key] = {name: getattr(rule, name) for name in made}
        vars(rule).update(known[key])

    Rule.compile = compiled  # type: ignore[method-assign]


def _import(folder: str) -> None:
    """Import the site. A template is compiled into *folder* by the first process that shows it."""
    import importlib

    from flask import Flask
    from jinja2 import FileSystemBytecodeCache
    from jinja2.bccache import Bucket

    class Templates(FileSystemBytecodeCache):
        """Keeps what it can: a test may have taken the disk's room away."""

        def dump_bytecode(self, bucket: Bucket) -> None:
            with suppress(OSError):
                super().dump_bytecode(bucket)

    for name in (
        "app",
        "app.lab.site",
        "app.lab.revoked",
        "app.serving.master",
        "app.serving.worker",
        "gunicorn.app.base",
    ):
        importlib.import_module(name)
    from sqlalchemy.orm import configure_mappers

    configure_mappers()
    hash_quickly()
    compile_routes_once()
    Flask.jinja_options = {"bytecode_cache": Templates(folder)}
    gc.collect()
    gc.freeze()


if __name__ == "__main__":
    templates = tempfile.mkdtemp(prefix="templates-")
    _import(templates)
    found = _serve(socket.socket(fileno=int(sys.argv[1])))
    if found:
        _run_to_the_end(*found)
    else:
        shutil.rmtree(templates)
