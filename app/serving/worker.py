"""A worker of gunicorn's: one thread reads and writes, and only whole requests are handed to the others.

So only work holds a thread, never a client: one that sends half a request, takes no answer or is silent costs a socket
and some bytes. gunicorn parses and frames; its own threaded worker reads in the thread that answers.
"""

import errno
import math
import os
import resource
import selectors
import socket
import ssl
import sys
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from gunicorn.http import wsgi
from gunicorn.http.message import Request
from gunicorn.sock import ssl_context
from gunicorn.util import http_date
from gunicorn.workers.base import Worker

from app.serving.held import HELD, Held, Shelf
from app.serving.line import Line, State
from app.serving.reading import REFUSAL, Reading, Refused, Whole
from app.serving.threads import Threads

TURN_SECONDS = 0.5
# How long a client may be in each state. No other client waits meanwhile.
PATIENCE: dict[State, float] = {State.NEW: 60, State.IDLE: 65, State.READING: 120, State.SENDING: 60, State.CLOSING: 2}
# The same for a worker that stops: a client that has just connected has its request under way, and one whose
# connection was kept may have.
LAST_PATIENCE: dict[State, float] = {State.NEW: 5, State.IDLE: 1, State.CLOSING: 1}
# How long a thread that computes keeps the interpreter's lock from others. Python's own five milliseconds add up where
# a request waits for it after each of its commits: docs/decisions.md has the numbers.
SWITCH_SECONDS = 0.0005
RESERVED_FILES = 256
MOST_LINES = 8192


class Quiet(wsgi.Response):  # type: ignore[misc]
    """An answer that does not name the server."""

    def default_headers(self) -> list[str]:
        major, minor = self.req.version
        goes_on = "close" if self.should_close() else "keep-alive"
        lines = [
            f"HTTP/{major}.{minor} {self.status}\r\n",
            f"Date: {_date(int(time.time()))}\r\n",
            f"Connection: {goes_on}\r\n",
        ]
        return [*lines, "Transfer-Encoding: chunked\r\n"] if self.chunked else lines


@lru_cache(1)
def _date(second: int) -> str:
    """Return the date of the answers of this second, formatted once."""
    found: str = http_date(second)
    return found


@dataclass(frozen=True)
class Asked:
    """A request on its way to the application. *refusal*: the status, where it could not be read."""

    request: Request
    body: bytes
    refusal: int | None
    held: Held


class Buffered(Worker):  # type: ignore[misc]
    """The worker. Only the loop's thread changes the state of a line, its registration and `_lines`.

    Requests for the paths *polls* have few threads to themselves, the *pollers*. Hundreds of open pages ask at once, and
    each thread that runs takes turns at the interpreter's lock from one that signs a user out.
    """

    polls: frozenset[str] = frozenset()
    pollers = 0

    def run(self) -> None:
        self._lines: dict[int, Line] = {}  # the one that changed longest ago comes first
        self._called: deque[Line] = deque()
        self._room = _room()
        self._tls: ssl.SSLContext | None = ssl_context(self.cfg) if self.cfg.is_ssl else None
        # Beside gunicorn's own look-up of a setting, which is slow: its parser reads a dozen for each request.
        self.cfg.__dict__ |= {name: setting.get() for name, setting in self.cfg.settings.items()}
        sys.setswitchinterval(SWITCH_SECONDS)
        self._dismissed = time.monotonic()
        self._shelf = Shelf()
        self._threads = Threads(self.cfg.threads - self.pollers, self._answer)
        self._pollers = Threads(self.pollers or 1, self._answer)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self.PIPE[0], selectors.EVENT_READ, None)
        for listener in self.sockets:
            listener.setblocking(False)
            self._selector.register(listener, selectors.EVENT_READ, None)
        try:
            while self.alive:
                self._turn(PATIENCE)
            self._stop()
        finally:
            self._threads.end()
            self._pollers.end()

    def _stop(self) -> None:
        """Accept waiting connections, close the socket, and let everything under way end."""
        self.alive = False
        deadline = time.monotonic() + self.cfg.graceful_timeout - 4 * TURN_SECONDS
        for listener in self.sockets:
            for _ in range(self.cfg.backlog):
                if not self._accept(listener):
                    break
            self._selector.unregister(listener)
            listener.close()
        self._shelf.close()
        while self._lines and time.monotonic() < deadline:
            self._turn(PATIENCE | LAST_PATIENCE)

    def _turn(self, patience: dict[State, float]) -> None:
        self._settle_called()
        self._threads.wake()
        self._pollers.wake()
        found = self._selector.select(TURN_SECONDS)
        self._settle_called()  # what has come may be the next request of one
        for key, _ in found:
            if isinstance(key.data, Line):
                self._look(key.data)
            elif key.fileobj == self.PIPE[0]:
                with suppress(BlockingIOError):
                    os.read(self.PIPE[0], 4096)
            else:
                self._accept(key.fileobj)
        if time.monotonic() > self._dismissed + TURN_SECONDS:
            self._dismiss(patience)
            self.notify()
            if self.ppid != os.getppid():
                self.alive = False

    def _settle_called(self) -> None:
        while self._called:
            self._settle(self._called.popleft())

    def _dismiss(self, patience: dict[State, float]) -> None:
        """Close lines whose client has taken too long, and answer those that were held for long enough."""
        self._shelf.ring()
        self._dismissed = now = time.monotonic()
        for line in [line for line in self._lines.values() if now - line.since > patience.get(line.state, math.inf)]:
            self._close(line)

    def _accept(self, listener: Any) -> bool:
        """Accept a connection; return whether one was waiting."""
        if len(self._lines) >= self._room:
            self._make_room()
        try:
            found, client = listener.accept()
            if self._tls:  # the handshake comes with the first reads, so a slow client delays no other
                found = self._tls.wrap_socket(found, server_side=True, do_handshake_on_connect=False)
            line = Line(found, client, self._call)
        except OSError as problem:  # another worker was faster, or the client has left
            if problem.errno in (errno.EMFILE, errno.ENFILE):
                self._make_room()
            return False
        self._lines[line.number] = line
        self._watch(line, selectors.EVENT_READ)
        return True

    def _make_room(self) -> None:
        oldest = next((line for line in self._lines.values() if line.state is not State.ANSWERING), None)
        if oldest:
            self._close(oldest)

    def _look(self, line: Line) -> None:
        """Something has come, or can be sent."""
        if self._lines.get(line.number) is not line:
            return  # closed since
        try:
            if line.state in (State.SENDING, State.ANSWERING):
                self._settle(line)
            elif not line.receive():
                self._close(line)
            else:
                self._take(line)
        except OSError:
            self._close(line)

    def _take(self, line: Line) -> None:
        """Take note of what has come."""
        if line.state is State.CLOSING:
            line.received.clear()
        elif line.state is State.HELD:
            self._watch(line, 0)  # its next request waits
        else:
            self._read(line)

    def _read(self, line: Line) -> None:
        """Hand a request to a thread once it is complete."""
        if not line.received:
            return
        if line.reading is None:
            line.reading = Reading(self.cfg, line.client)
            self._enter(line, State.READING)
        reading = line.reading
        try:
            if reading.take(line.received):
                self._hand_over(line, reading.request, reading.body, None)
            elif reading.is_asked_to_go_on():
                line.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                line.flush()
        except Refused as refused:
            self._hand_over(line, reading.request or reading.stand_in(line.received), b"", refused.code)

    def _hand_over(self, line: Line, request: Request, body: bytes, refusal: int | None) -> None:
        line.reading = None
        line.asked = Asked(request, body, refusal, Held(self._shelf, lambda: self._call(line)))
        self._ask(line)

    def _ask(self, line: Line) -> None:
        line.is_answered = line.is_held = line.goes_on = False
        self._enter(line, State.ANSWERING)
        threads = self._pollers if line.asked.request.path in self.polls else self._threads
        threads.give(line)

    def _answer(self, line: Line) -> None:
        """Call the application, in one of the threads."""
        asked = line.asked
        request = asked.request
        try:
            request._expected_100_continue = False
            response, environ = wsgi.create(request, line, line.client, line.server, self.cfg, response_class=Quiet)
            environ |= {"wsgi.input": Whole(asked.body), "CONTENT_LENGTH": str(len(asked.body))}
            environ |= {"wsgi.multithread": True, HELD: asked.held}
            environ.pop("HTTP_TRANSFER_ENCODING", None)
            if asked.refusal:
                environ[REFUSAL] = asked.refusal
            if asked.refusal or not self.alive:
                response.force_close()
            self._send(line, response, self.wsgi(environ, response.start_response))
            line.goes_on = not response.should_close() and response.sent == (response.response_length or response.sent)
        except OSError:
            line.drop()  # the client has left
        except BaseException:  # also of an application that exits: the thread goes on
            line.drop()
            self.log.exception("an answer broke off")
        finally:
            line.is_answered = not line.is_held
            self._report(line)

    def _report(self, line: Line) -> None:
        """Have the loop look after a line that is answered or held: at once, unless its next request is soon enough."""
        self._called.append(line)
        if not (line.is_answered and line.goes_on and line.is_quiet and self.alive):
            self._wake()

    def _send(self, line: Line, response: Quiet, body: Any) -> None:
        try:
            if line.asked.held.is_held:
                line.is_held = True
                return
            for part in body:
                response.write(part)
                if response.chunked:
                    line.flush()  # a stream: what comes next may take long
            response.close()
            line.flush()
        finally:
            if hasattr(body, "close"):
                body.close()

    def _call(self, line: Line) -> None:
        """Have the loop look after *line*. From any thread."""
        self._called.append(line)
        self._wake()

    def _wake(self) -> None:
        with suppress(BlockingIOError):  # it is awake already
            os.write(self.PIPE[1], b".")

    def _settle(self, line: Line) -> None:
        """Look after a line that was called for."""
        if self._lines.get(line.number) is not line:
            return  # closed since
        if line.is_held:
            self._hold(line)
        elif line.state in (State.ANSWERING, State.SENDING):  # else it was seen to already
            self._finish(line)

    def _hold(self, line: Line) -> None:
        """Let a request wait without a thread, or have it asked again."""
        held = line.asked.held
        if held.is_due:
            held.is_held = False
            self._ask(line)
        elif line.state is State.ANSWERING:
            self._enter(line, State.HELD)
            self._watch(line, selectors.EVENT_READ)  # its client may leave

    def _finish(self, line: Line) -> None:
        """Send what is left of an answer, and go on once it is over."""
        if not line.push():
            if line.is_answered and line.state is State.ANSWERING:
                self._enter(line, State.SENDING)
            self._watch(line, selectors.EVENT_WRITE)
        elif not line.is_answered:
            self._watch(line, 0)
        elif line.goes_on:
            self._enter(line, State.IDLE)
            self._watch(line, selectors.EVENT_READ)
            self._look_again(line)
        else:
            self._hang_up(line)

    def _look_again(self, line: Line) -> None:
        """Read on: another request may have come with the last one."""
        try:
            self._read(line)
        except OSError:
            self._close(line)

    def _hang_up(self, line: Line) -> None:
        """Let the client read its answer to the end: closing over unread bytes would reset the connection."""
        line.received.clear()
        try:
            line.socket.shutdown(socket.SHUT_WR)
        except OSError:
            return self._close(line)
        self._enter(line, State.CLOSING)
        return self._watch(line, selectors.EVENT_READ)

    def _enter(self, line: Line, state: State) -> None:
        line.enter(state)
        self._lines[line.number] = self._lines.pop(line.number)

    def _watch(self, line: Line, events: int) -> None:
        if events == line.watched:
            return
        if not line.watched:
            self._selector.register(line.number, events, line)
        elif events:
            self._selector.modify(line.number, events, line)
        else:
            self._selector.unregister(line.number)
        line.watched = events

    def _close(self, line: Line) -> None:
        if line.asked:
            self._shelf.drop(line.asked.held)
        self._watch(line, 0)
        del self._lines[line.number]
        line.close()


def _room() -> int:
    """Return how many connections fit beside the other files of this process."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return min(MOST_LINES, max(files - RESERVED_FILES, files // 2))
