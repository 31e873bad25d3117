"""One mail brought to the operator's mail server (RFC 5321), within a bounded time."""

import smtplib
import socket
import ssl
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from app.config import Settings, is_loopback
from app.outbox.answer import Answer, Outcome

SECONDS = 20  # for all of it: less than a claim lasts, so no other process sends the same mail meanwhile
_STEP_SECONDS = 8


def send(settings: Settings, mail_id: str, made_at: int, content: Mapping[str, str]) -> Answer:
    """Bring a mail to the server. Never raises."""
    began = time.monotonic()
    try:
        message = compose(settings, mail_id, made_at, content)
    except (ValueError, HeaderParseError):
        return Answer(Outcome.REFUSED, "its address cannot stand in a mail")
    try:
        _deliver(settings.smtp_url, message, began + SECONDS)
        outcome, words = Outcome.DELIVERED, "taken by the mail server"
    except (smtplib.SMTPException, OSError, UnicodeError) as problem:
        outcome, words = _explain(problem)
    return Answer(outcome, words, round((time.monotonic() - began) * 1000))


def _explain(problem: Exception) -> tuple[Outcome, str]:
    """Return what a failed attempt means. Only a lasting refusal of this very mail gives it up: the rest can be mended."""
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        status = max(code for code, _ in problem.recipients.values())
        return Outcome.REFUSED if status >= 500 else Outcome.FAILED, f"SMTP {status}"
    if isinstance(problem, smtplib.SMTPResponseException):
        is_final = isinstance(problem, smtplib.SMTPDataError) and problem.smtp_code >= 500
        return Outcome.REFUSED if is_final else Outcome.FAILED, f"SMTP {problem.smtp_code}"
    if isinstance(problem, (smtplib.SMTPNotSupportedError, UnicodeError)):
        return Outcome.FAILED, "the mail server lacks what this needs: encryption, or addresses in other scripts"
    return Outcome.FAILED, "no connection"


def compose(settings: Settings, mail_id: str, made_at: int, content: Mapping[str, str]) -> EmailMessage:
    """Return the mail. The library refuses a header with a line break in it. Raises ValueError.

    It is the same at each attempt, so a mail server that gets it twice can tell.
    """
    host = urlsplit(settings.site_url).hostname or "localhost"
    message = EmailMessage(policy=SMTP)
    message["From"] = Address("Signed Out", addr_spec=settings.mail_from)
    message["To"] = Address(addr_spec=content["to"])
    message["Subject"] = content["subject"]
    message["Date"] = format_datetime(datetime.fromtimestamp(made_at, UTC))
    message["Message-ID"] = f"<{mail_id}@{host}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no vacation notice answers it
    message.set_content(content["text"])
    message.add_alternative(content["html"], subtype="html")
    return message


def _deliver(url: str, message: EmailMessage, deadline: float) -> None:
    server = _connect(url)
    watch = threading.Timer(max(0.0, deadline - time.monotonic()), _cut, [server])
    watch.daemon = True
    watch.start()
    try:
        _introduce(server, url)
        if time.monotonic() > deadline:  # the name was looked up for long: another process has this mail by now
            raise TimeoutError
        server.send_message(message)
    finally:
        watch.cancel()
        with suppress(smtplib.SMTPException, OSError):
            server.quit()
        server.close()


def _connect(url: str) -> smtplib.SMTP:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "smtps":
        return smtplib.SMTP_SSL(
            host,
            parts.port or 465,
            timeout=_STEP_SECONDS,
            context=ssl.create_default_context(),
            local_hostname="localhost",
        )
    return smtplib.SMTP(host, parts.port or 587, timeout=_STEP_SECONDS, local_hostname="localhost")


def _introduce(server: smtplib.SMTP, url: str) -> None:
    """Encrypt the connection unless it stays on this machine, and sign in."""
    parts = urlsplit(url)
    if parts.scheme == "smtp" and not is_loopback(url):
        server.starttls(context=ssl.create_default_context())  # raises where the server does not offer it
    if parts.username:
        server.login(unquote(parts.username), unquote(parts.password or ""))


def _cut(server: smtplib.SMTP) -> None:
    with suppress(OSError, AttributeError):
        server.sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]
