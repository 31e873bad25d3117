"""Addresses of mail: kept and shown as a person typed them, compared as mail servers may tell them apart. Pure."""

import string
import unicodedata
from contextlib import suppress

import idna
from email_validator import EmailNotValidError, validate_email

from app import names

LONGEST_ADDRESS = 254  # characters (RFC 5321, section 4.5.3.1.3, without the brackets)
_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_JOINERS = str.maketrans("", "", "\u200c\u200d")


def mailbox(typed: str) -> str:
    """Return the form in which addresses are compared: the domain as an A-label (RFC 5891). Before the @, only the case
    of ASCII letters is the same to every mail server: `weiß` and `weiss` are two mailboxes.
    """
    local, at, domain = unicodedata.normalize("NFC", typed.strip()).rpartition("@")
    return f"{local.translate(_LOWER)}{at}{_a_label(domain)}"


def of_old(typed: str) -> str:
    """Return an address as it was kept before there was a mailbox to compare it by."""
    return typed.strip().casefold()


def check(typed: str) -> None:
    """Raise ValueError if *typed* is no address. A link proves it later, so reserved domains pass."""
    check_visible(typed)
    names.check_drawn(typed)
    try:
        validate_email(_without_joiners(typed.strip()), check_deliverability=False, test_environment=True, strict=True)
    except EmailNotValidError as problem:
        raise ValueError("Enter an email address in the form name@example.org.") from problem


def check_visible(typed: str) -> None:
    """Raise ValueError if *typed* holds an invisible character, and name it."""
    _refuse(names.invisible(_without_joiners(typed.strip())))


def check_readable(typed: str) -> None:
    """Raise ValueError if *typed* holds a control character. Older accounts may hold any other invisible one: in some
    fonts, U+FE0F makes a heart red."""
    _refuse(names.control(typed.strip()))


def _refuse(found: str | None) -> None:
    if found:
        raise ValueError(f"This address holds {names.describe(found)}, which cannot be seen. Type it without.")


def _without_joiners(typed: str) -> str:
    """Leave out the joiners of a domain that may have them (RFC 5892, A.1 and A.2): the library knows none with any."""
    local, at, domain = typed.rpartition("@")
    with suppress(UnicodeError):
        domain = idna.decode(idna.encode(domain, uts46=True)).translate(_JOINERS) if _has_joiners(domain) else domain
    return f"{local}{at}{domain}"


def _has_joiners(domain: str) -> bool:
    return domain != domain.translate(_JOINERS) or "xn--" in domain.lower()


def _a_label(domain: str) -> str:
    try:
        return idna.encode(domain, uts46=True).decode()
    except UnicodeError:  # not a domain, but a person may type it
        return domain.lower()
