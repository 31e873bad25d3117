"""The designs: what a verifier remembers (checker) x how news reaches it (delivery) x what kind of token it is shown.

Each row is one cell of that matrix, with the name that the field gives it where it has one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.identity import status_list
from app.revocation.checkers.allowlist import Allowlist
from app.revocation.checkers.base import AllOf, Checker
from app.revocation.checkers.cutoff import Cutoff
from app.revocation.checkers.denylist import Denylist
from app.revocation.checkers.nothing import Nothing
from app.revocation.checkers.status_list import StatusList


class Delivery(StrEnum):
    """How news reaches the verifier."""

    NEVER = "never"
    ASK = "ask"
    POLL = "poll"
    PUSH = "push"


class Token(StrEnum):
    """What the verifier is shown."""

    JWT = "JWT"
    OPAQUE = "opaque"


class Fault(StrEnum):
    """What can be switched off."""

    STORE = "store"
    LIST = "list"
    PUSH = "push"


class Silence(StrEnum):
    """What a verifier does when news cannot reach it."""

    NOTHING_TO_MISS = "does not notice"
    OPEN = "fails open"
    BOUNDED = "goes on for a while, then fails closed"
    CLOSED = "fails closed"


@dataclass(frozen=True)
class Way:
    """A delivery as it is built: *needs*, what news comes through, and what happens on its *silence*."""

    delivery: Delivery
    needs: Fault | None
    silence: Silence


@dataclass(frozen=True)
class Design:
    """One cell. *field*: its name in the field, if it has one. *cuts_whole_users*: any sign-out of a person is one of
    all their sessions. *proves*: news come with a signed head of the log and are checked against it. *shared*: the list lies in Redis, where there is one."""

    slug: str
    name: str
    remembers: str
    make: Callable[[], Checker]
    way: Way
    token: Token = Token.JWT
    field: str = ""
    cuts_whole_users: bool = False
    proves: bool = False
    shared: bool = False


def _exact() -> Checker:
    return AllOf(Denylist(), Cutoff())


def _allow() -> Checker:
    return AllOf(Allowlist(), Cutoff())


def _statuses() -> Checker:
    return AllOf(StatusList(status_list.index), Cutoff())


NEVER = Way(Delivery.NEVER, None, Silence.NOTHING_TO_MISS)
ASK = Way(Delivery.ASK, Fault.STORE, Silence.CLOSED)
POLL = Way(Delivery.POLL, Fault.LIST, Silence.OPEN)
POLL_BOUNDED = Way(Delivery.POLL, Fault.LIST, Silence.BOUNDED)
PUSH = Way(Delivery.PUSH, Fault.PUSH, Silence.OPEN)
LEASE = Way(Delivery.PUSH, Fault.STORE, Silence.CLOSED)  # a lost push costs time: it reads the log by itself, and asks

NAMED = (
    Design("expiry", "Nothing but expiry", "nothing", Nothing, NEVER, field="short-lived JWT + refresh token; as Kerberos tickets"),
    Design("session", "Opaque session", "session row", _allow, ASK, token=Token.OPAQUE, field="server-side session"),
    Design("client-data", "Data in the browser, session at the server", "session row", _allow, ASK, token=Token.OPAQUE, field="client-side data behind an opaque token"),
    Design("introspection", "Introspection", "the log itself", _exact, ASK, token=Token.OPAQUE, field="RFC 7662; as OCSP for certificates"),
    Design("introspection-cached", "Introspection, cached", "the log itself", _exact, POLL_BOUNDED, token=Token.OPAQUE, field="introspection with a cache"),
    Design("denylist-ask", "Denylist in a shared store", "denylist", _exact, ASK, field="denylist in Redis", shared=True),
    Design("denylist-poll", "Denylist, polled", "denylist", _exact, POLL),
    Design("denylist-push", "Denylist, pushed", "denylist", _exact, PUSH, field="denylist in memory; subscription"),
    Design("allowlist-ask", "Allowlist of token ids", "allowlist", _allow, ASK, field="UUID in the token, looked up"),
    Design("cutoff-ask", "Global logout time", "cut-off", Cutoff, ASK, field="one time per user", cuts_whole_users=True),
    Design("status-list", "Status list", "status list", _statuses, POLL_BOUNDED, field="Token Status List; as a CRL for certificates"),
    Design("transparency", "Transparency log", "denylist", _exact, POLL_BOUNDED, field="as Certificate Transparency", proves=True),
    Design("this-site", "What this site does", "denylist and cut-off", _exact, LEASE, field="push with a lease"),
)  # fmt: skip

UNNAMED = (
    Design("allowlist-poll", "Allowlist, polled", "allowlist", _allow, POLL_BOUNDED),
    Design("allowlist-push", "Allowlist, pushed", "allowlist", _allow, PUSH),
    Design("cutoff-poll", "Global logout time, polled", "cut-off", Cutoff, POLL, cuts_whole_users=True),
    Design("cutoff-push", "Global logout time, pushed", "cut-off", Cutoff, PUSH, cuts_whole_users=True),
    Design("status-list-ask", "Status list, fetched each time", "status list", _statuses, ASK),
    Design("status-list-push", "Status list, pushed", "status list", _statuses, PUSH),
    Design("introspection-push", "Introspection, cached until told otherwise", "the log itself", _exact, PUSH, token=Token.OPAQUE),
)  # fmt: skip

ALL = {design.slug: design for design in (*NAMED, *UNNAMED)}
