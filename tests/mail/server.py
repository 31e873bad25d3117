"""A mail server on loopback that takes mail as the operator's would."""

import re
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from queue import SimpleQueue
from typing import Any

from aiosmtpd.controller import Controller

from tests.backings import free_port


@dataclass(frozen=True)
class Letter:
    """One mail as it came: to whom the server was told to bring it, and what it holds."""

    to: str
    message: EmailMessage

    @property
    def text(self) -> str:
        part = self.message.get_body(("plain",))
        assert part
        return str(part.get_content()).replace("\r\n", "\n")

    @property
    def html(self) -> str:
        part = self.message.get_body(("html",))
        assert part
        return str(part.get_content()).replace("\r\n", "\n")

    @property
    def link(self) -> str:
        """The one link in it, as a path of the site."""
        [found] = re.findall(r"http://localhost:\d+(/links/\S+)", self.text)
        return str(found)


class Postbox:
    """Keeps what comes. *answer*: what it says to each mail."""

    def __init__(self) -> None:
        self.port = free_port()
        self.answer = "250 taken"
        self.letters: list[Letter] = []
        self._news: SimpleQueue[Letter] = SimpleQueue()
        self.up()

    @property
    def url(self) -> str:
        return f"smtp://127.0.0.1:{self.port}"

    def up(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port, enable_SMTPUTF8=True)
        self._controller.start()

    def down(self) -> None:
        self._controller.stop(no_assert=True)

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802 - its name to the library
        if self.answer.startswith("250"):
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            for to in envelope.rcpt_tos:
                self.letters.append(Letter(to, message))
                self._news.put(self.letters[-1])
        return self.answer

    def wait(self) -> Letter:
        """Return the next mail, having waited for it."""
        return self._news.get(timeout=60)

    def to(self, address: str) -> list[Letter]:
        """What came to this address, in order."""
        return [letter for letter in self.letters if letter.to == address]
