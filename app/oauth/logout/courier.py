"""The courier: delivers logout messages in the background, to each app one at a time, so that one that hangs holds up
nobody else. No connection to the database is held while it sends."""

import atexit
import logging
import os
import threading
from functools import partial
from queue import Empty, SimpleQueue

from flask import Flask

from app import metrics
from app.db import StoreUnavailable, after_commit, writing
from app.identity import activity
from app.oauth.logout import message as messages
from app.oauth.logout import network, token
from app.oauth.logout.answer import Answer, Outcome
from app.oauth.logout.message import Message

ROOM = 16  # messages on their way at once, in each process
LOOK_SECONDS = 1.0
GATHER_SECONDS = 0.05
_log = logging.getLogger("signed_out.logout")


class Courier:
    """The courier of this process."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._starting = threading.Lock()
        self._pid = 0
        self._left = threading.Event()
        self._news = threading.Event()
        self._answers: SimpleQueue[tuple[Message, Answer]] = SimpleQueue()
        self._back: list[tuple[Message, Answer]] = []  # answered, and not yet written down
        self._busy: set[str] = set()  # apps that are being told something

    def start(self) -> None:
        """Begin to deliver, once in each process: no thread survives a fork."""
        with self._starting:
            if self._pid == os.getpid() or self._left.is_set():
                return
            self._pid = os.getpid()
            self._thread = threading.Thread(target=self._follow, name="courier", daemon=True)
            self._thread.start()
            atexit.register(self._leave)

    def wake(self) -> None:
        """Have it look at once."""
        self.start()
        self._news.set()

    def close(self) -> None:
        """Begin nothing more by itself."""
        self._left.set()
        self._news.set()
        atexit.unregister(self._leave)

    def deliver_due(self) -> None:
        """Deliver what is due now, and return once it is written down what came of it. For a process without `start`."""
        while self._turn():
            self._wait(None)

    def _follow(self) -> None:
        while not self._left.is_set():
            self._wait(LOOK_SECONDS)
            self._left.wait(GATHER_SECONDS)  # whoever signed out gets the page first, and one transaction notes more
            try:
                self._turn()
            except StoreUnavailable as problem:
                _log.warning("logout messages have to wait: %s", problem)
            except Exception:  # the next look may do better; nobody else would look in this process
                _log.exception("logout messages have to wait")
        while self._busy and self._turn(begin=False):
            self._wait(None)

    def _wait(self, seconds: float | None) -> None:
        self._news.wait(seconds)
        self._news.clear()

    def _turn(self, *, begin: bool = True) -> bool:
        """Write down what came back, and *begin* to send what is due. Say whether anything is on its way.

        Raises StoreUnavailable; what came back is then kept.
        """
        self._collect()
        with self._app.app_context():
            claimed = self._exchange(ROOM - len(self._busy) if begin else 0)
        self._back.clear()
        for message in claimed:
            self._busy.add(message.client_id)
            threading.Thread(target=self._carry, args=(message,), name="courier", daemon=True).start()
        return bool(self._busy)

    def _collect(self) -> None:
        while True:
            try:
                message, answer = self._answers.get_nowait()
            except Empty:
                return
            self._busy.discard(message.client_id)
            self._back.append((message, answer))

    def _exchange(self, room: int) -> list[Message]:
        """One transaction for all of it, however many there are; none if there is nothing."""
        due = room > 0 and messages.are_due()
        if not (self._back or due):
            return []
        with writing():
            for message, answer in self._back:
                outcome = message.note(answer)
                if outcome:
                    after_commit(partial(_report, message, answer, outcome))
            return messages.claim(self._busy, room) if due else []

    def _carry(self, message: Message) -> None:
        try:
            answer = self._send(message)
        except Exception:  # whatever it is, the message has to come back
            _log.exception("a logout message could not be sent")
            answer = Answer(Outcome.FAILED, "it could not be sent")
        self._answers.put((message, answer))
        self._news.set()

    def _send(self, message: Message) -> Answer:
        with self._app.app_context():
            form = {"logout_token": token.sign(message)}
        return network.post(message.uri, form, may_be_private=message.may_be_private)

    def _leave(self) -> None:
        """Let what is on its way come back, and no more than that."""
        if self._pid == os.getpid():
            self.close()
            self._thread.join(network.SECONDS + 1)


def _report(message: Message, answer: Answer, outcome: Outcome) -> None:
    """Count it; of what was given up, tell the operator."""
    metrics.count_logout(outcome.value)
    if outcome in (Outcome.REFUSED, Outcome.GIVEN_UP):
        about = {"client": message.client_id, "user": message.user_id, "session": message.session_id}
        activity.line(f"logout_message_{outcome}", **about, answer=answer.words)
