"""The designs that are compared: what each remembers, how it is told, and what a row of it takes."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.lab import designs
from app.lab.costs.day import FOREVER
from app.revocation.checkers.allowlist import Allowlist
from app.revocation.checkers.base import AllOf, Checker
from app.revocation.checkers.cutoff import Cutoff
from app.revocation.checkers.denylist import Denylist
from app.revocation.checkers.nothing import Nothing
from app.revocation.checkers.status_list import StatusList
from app.revocation.entries import Entry, Kind, Scope

ROW = 64  # bytes: an id, a time, and what a table and its index add
SESSION_ROW = 256  # bytes: also who, since when, and in which browser
PLACES = 1 << 16  # of a status list


class Delivery(StrEnum):
    """How news arrives. *cached*: the answer to a question is kept; *confirmed*: Sign Out waits until it has been heard."""

    NEVER = "never"
    ASK = "ask"
    CACHED = "cached"
    POLL = "poll"
    PUSH = "push"
    CONFIRMED = "confirmed"


@dataclass(frozen=True)
class Design:
    """A checker and how it is told. *row*: bytes of a row where a store remembers for everybody, 0 where a verifier does."""

    slug: str
    like: str  # its parallel among certificates, or another name for it
    make: Callable[[], Checker]
    delivery: Delivery
    row: int = 0
    opaque: bool = False  # the token is the name of its session, so there is no single one to revoke
    proves: bool = False  # keeps the edge of a Merkle tree, so as to check that the log only grew

    @property
    def name(self) -> str:
        return designs.ALL[self.slug].name

    def reads(self, entry: Entry, owners: dict[int, str]) -> Entry | None:
        """Put an entry in the words that this design has."""
        if self.opaque and entry.scope is Scope.TOKEN:
            return None
        if self.make is Cutoff and entry.kind is Kind.REVOKED:
            return entry._replace(scope=Scope.USER, subject=owners[entry.opened], until=FOREVER)
        return entry


def _status_list() -> StatusList:
    return StatusList(lambda position: position * 40503 % PLACES)  # odd, so no place is given twice


def _site() -> AllOf:
    return AllOf(Denylist(), Cutoff())


DESIGNS = (
    Design("expiry", "as Kerberos tickets", Nothing, Delivery.NEVER),
    Design("session", "an opaque cookie", Allowlist, Delivery.ASK, SESSION_ROW, opaque=True),
    Design("introspection", "as OCSP", Allowlist, Delivery.ASK, SESSION_ROW, opaque=True),
    Design(
        "introspection-cached",
        "as OCSP, stapled",
        Allowlist,
        Delivery.CACHED,
        SESSION_ROW,
        opaque=True,
    ),
    Design("denylist-ask", "in Redis, say", Denylist, Delivery.ASK, ROW),
    Design("denylist-poll", "", Denylist, Delivery.POLL),
    Design("denylist-push", "", Denylist, Delivery.PUSH),
    Design("allowlist-ask", "a UUID in the token", Allowlist, Delivery.ASK, ROW),
    Design("cutoff-ask", "global logout", Cutoff, Delivery.ASK, ROW),
    Design("status-list", "as a CRL", _status_list, Delivery.POLL),
    Design("transparency", "as Certificate Transparency", _site, Delivery.POLL, proves=True),
    Design("this-site", "denylist and cut-off, pushed", _site, Delivery.CONFIRMED),
)
