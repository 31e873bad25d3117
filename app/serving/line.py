"""One connection: bytes that have come, and bytes that the client has not taken yet."""

import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from enum import Enum
from typing import Any

from app.serving.reading import Reading

MOST_UNSENT = 32 << 20  # bytes that wait for one client
GATHERED = 64 * 1024  # bytes that are worth a separate packet
_LATER = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class State(Enum):
    """What a connection waits for."""

    NEW = "its first request"
    IDLE = "another request"
    READING = "the rest of a request"
    ANSWERING = "a thread"
    HELD = "news"
    SENDING = "the client to take the rest of its answer"
    CLOSING = "the client to have read everything"


class Gone(OSError):
    """The client has left, or takes nothing."""


class Line:
    """A connection. *call* lets the loop know that there is something to send."""

    def __init__(self, found: socket.socket, client: Any, call: Callable[["Line"], None]) -> None:
        found.setblocking(False)
        with suppress(OSError):
            found.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # an answer is sent whole
        self.socket = found
        self.number = found.fileno()
        self.watched = 0  # for what the loop waits
        self.client = client
        self.server = found.getsockname()
        self.received = bytearray()
        self.reading: Reading | None = None
        self.asked: Any = None  # the request that is being answered
        self.state = State.NEW
        self.since = time.monotonic()
        self.is_answered = False
        self.is_held = False  # the request waits, without a thread
        self.goes_on = False  # after this answer
        self._call = call
        self._lock = threading.Lock()
        self._unsent = bytearray()
        self._is_gone = False

    @property
    def is_quiet(self) -> bool:
        """Whether the client has sent nothing since the request that is being answered: the loop still watches for it."""
        return bool(self.watched) and not self.received

    def enter(self, state: State) -> None:
        self.state = state
        self.since = time.monotonic()

    def receive(self) -> bool:
        """Read what has come; return False at its end."""
        try:
            with self._lock:  # a TLS connection is not thread-safe
                content = self.socket.recv(65536)
        except _LATER:
            return True
        except OSError:
            return False
        self.received += content
        return bool(content)

    def sendall(self, content: bytes) -> None:
        """Send soon: with what follows, or by `flush`. Never waits for the client. Raises Gone."""
        with self._lock:
            self._unsent += content
        if len(self._unsent) >= GATHERED:
            self.flush()

    send = sendall

    def flush(self) -> None:
        """Send what can be sent now; the loop sends the rest. Raises Gone."""
        if not self.push():
            if len(self._unsent) > MOST_UNSENT:
                self._is_gone = True
            self._call(self)
        if self._is_gone:
            raise Gone

    def push(self) -> bool:
        """Send what the client takes now; return whether that was everything."""
        with self._lock:
            while self._unsent and not self._is_gone:
                try:
                    sent = self.socket.send(self._unsent)
                except _LATER:
                    return False
                except OSError:
                    self._is_gone = True
                    break
                del self._unsent[:sent]
                self.since = time.monotonic()
            if self._is_gone:
                self._unsent.clear()
            return True

    def drop(self) -> None:
        """Forget what is not sent: the answer broke off."""
        with self._lock:
            self._unsent.clear()

    def close(self) -> None:
        with self._lock:
            self._is_gone = True
            self.socket.close()
