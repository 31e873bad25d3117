"""The executor: long computations run in separate processes, at low priority.

Threads would not do: beside a computing thread, all others wait for the interpreter's lock.
"""

import logging
import os
import pickle
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from flask import Flask

from app import context
from app.capacity import admission
from app.capacity.admission import Full
from app.config import PROJECT

NICENESS = 5  # a third of the share of a process that answers people, where there is not enough for both
LONGEST_SECONDS = 60  # of processor time; then it is taken to hang
SILENT_SECONDS = 60  # without a sign of life; on a busy machine honest work is slow, and never silent for so long
SIGN_SECONDS = 0.1  # of processor time from one sign of life to the next
_ALIVE = pickle.dumps(None)
_PROGRAM = "from app.capacity.executor import serve; serve()"
_log = logging.getLogger("signed_out.executor")
P = ParamSpec("P")
T = TypeVar("T")


class Executor:
    """Runs functions of this program in separate processes, each begun when it is first needed.

    Until it is started, for example in a shell, it runs them in this process.
    """

    def __init__(self, factory: Callable[[Mapping[str, str]], Flask], environ: Mapping[str, str]) -> None:
        self._setup = pickle.dumps((factory, dict(environ)))
        self._idle: list[_Helper] = []
        self._is_started = False
        self._is_cold = threading.Semaphore()

    def start(self) -> None:
        self._is_started = True

    def warm(self) -> None:
        """Begin the first process, once, before there is work for it."""
        if self._is_started and self._is_cold.acquire(blocking=False):
            self._idle.append(_Helper(self._setup))

    def run(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what *function* returns, or raise what it raises. Raises EOFError if its process is lost."""
        if not self._is_started:
            return function(*args, **kwargs)
        helper = self._idle.pop() if self._idle else _Helper(self._setup)
        try:
            done, found = helper.ask(pickle.dumps((function, args, kwargs)))
        except BaseException:
            helper.close()
            raise
        self._idle.append(helper)
        if done:
            return found  # type: ignore[no-any-return]
        raise found

    def close(self) -> None:
        """End the processes that wait for work. They also end with this one."""
        while self._idle:
            self._idle.pop().close()


class _Helper:
    """A process that runs one function after the other, as long as this end of its pipe is open."""

    def __init__(self, setup: bytes) -> None:
        command = [sys.executable, "-c", _PROGRAM]
        self._process = subprocess.Popen(command, cwd=PROJECT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)  # noqa: S603 - our own program
        self._send(setup)

    def ask(self, call: bytes) -> tuple[bool, Any]:
        """Return whether the call succeeded, and its result or its exception. Raises EOFError."""
        self._send(call)
        for _ in range(round(LONGEST_SECONDS / SIGN_SECONDS)):
            found = self._hear()
            if found:
                return found
        raise EOFError("it takes too long")

    def _hear(self) -> tuple[bool, Any] | None:
        """Return the next answer, or None for a sign of life. Raises EOFError."""
        watch = threading.Timer(SILENT_SECONDS, self._process.kill)
        watch.start()
        try:
            return pickle.load(self._process.stdout)  # type: ignore[arg-type, no-any-return]  # noqa: S301 - from ourselves
        except pickle.UnpicklingError as problem:
            raise EOFError from problem  # it ended in the middle of its answer
        finally:
            watch.cancel()

    def close(self) -> None:
        self._process.kill()
        self._process.communicate()

    def _send(self, message: bytes) -> None:
        try:
            self._process.stdin.write(message)  # type: ignore[union-attr]
            self._process.stdin.flush()  # type: ignore[union-attr]
        except BrokenPipeError as problem:
            raise EOFError from problem


def init_app(app: Flask) -> None:
    """Give *app* an executor, whose processes build theirs in the same way."""
    app.extensions["executor"] = Executor(*app.extensions["factory"])


def run(kind: str, whose: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Wait in the line of *kind*, then run *function* apart. Raises Full, and what *function* raises."""
    executor: Executor = context.app().extensions["executor"]
    with admission.aside(), admission.turn(kind, whose):
        try:
            return executor.run(function, *args, **kwargs)
        except EOFError as problem:
            _log.exception("the process that computed is lost")
            raise Full(kind) from problem


def warm() -> None:
    """Start a process for work that will soon come: starting takes a second."""
    context.app().extensions["executor"].warm()


def serve() -> None:
    """Run the functions that the process at the other end of the pipe sends, until it ends."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for that process; this one ends with it
    calls, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # nothing that is printed may come between the answers
    signal.signal(signal.SIGPROF, lambda *_: os.write(answers.fileno(), _ALIVE))
    factory, environ = pickle.load(calls)  # noqa: S301 - from ourselves
    app = factory(environ)
    os.nice(NICENESS)
    with suppress(EOFError, BrokenPipeError):
        while True:
            call = pickle.load(calls)  # noqa: S301 - from ourselves
            signal.setitimer(signal.ITIMER_PROF, SIGN_SECONDS, SIGN_SECONDS)
            answer = _answer(app, *call)
            signal.setitimer(signal.ITIMER_PROF, 0)
            answers.write(answer)
            answers.flush()


def _answer(app: Flask, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bytes:
    with app.app_context():
        try:
            return pickle.dumps((True, function(*args, **kwargs)))
        except Exception as problem:  # raised again where it was asked for
            return pickle.dumps((False, problem))
