"""The rules for addresses of an app. Pure: return the address as it is, or raise ValueError with one line."""

import re
from urllib.parse import SplitResult, parse_qsl, urlsplit

from app.config import is_loopback
from app.network import address

_URI = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")  # RFC 3986, section 2
_HOST = re.compile(r"[A-Za-z0-9._-]+|[0-9A-Fa-f:.]+")  # a page names it in a header, where `;` has a meaning
_ANSWERED = frozenset({"code", "state", "iss", "error", "error_description", "error_uri"})  # RFC 6749, 4.1.2; RFC 9207
MAX_LENGTH = 2000


def redirect(uri: str) -> str:
    """Check a redirect URI: https, http on this machine, or a private scheme.

    Raises ValueError. RFC 9700, section 2.1 and RFC 8252, section 7: a private scheme is a reversed host name.
    """
    parts = _split(uri)
    _check_query(uri, parts.query)
    if "." in parts.scheme:
        return uri
    if parts.scheme not in ("http", "https"):
        raise ValueError(f"{uri}: use https, or a scheme with a dot in it, such as com.example.app.")
    if parts.scheme == "http" and _host(uri, parts) and not is_loopback(uri):
        raise ValueError(f"{uri}: plain http can be read on the way, so it is for localhost only. Use https.")
    return _plain(uri, parts)


def backchannel(uri: str) -> str:
    """Check the address of an app's logout messages. Raises ValueError (OpenID Connect Back-Channel Logout 1.0,
    2.2)."""
    parts = _split(uri)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_private(uri)):
        raise ValueError(f"{uri}: use https; http is for localhost and private addresses only.")
    return _plain(uri, parts)


def is_private(uri: str) -> bool:
    """Return whether the address names this machine or a private network, by itself and not by way of a name."""
    number = address.read(urlsplit(uri).hostname or "")
    return is_loopback(uri) or (number is not None and (number.is_private or number.is_link_local))


def _split(uri: str) -> SplitResult:
    if not _URI.fullmatch(uri) or len(uri) > MAX_LENGTH:
        raise ValueError(f"{uri!r}: an address has no spaces and no such signs, and at most {MAX_LENGTH} characters.")
    try:
        parts = urlsplit(uri)
        _ = parts.port
    except ValueError as problem:
        raise ValueError(f"{uri}: this is not an address ({problem}).") from problem
    if "#" in uri:
        raise ValueError(f"{uri}: leave out the fragment, from # on.")
    if "@" in parts.netloc:
        raise ValueError(f"{uri}: leave out the user name before the @.")
    return parts


def _check_query(uri: str, query: str) -> None:
    """Refuse parameters that this site adds to its answer: an app might read the wrong one."""
    names = {name for part in query.split(";") for name, _ in parse_qsl(part, keep_blank_values=True)}
    taken = ", ".join(sorted(names & _ANSWERED))
    if taken:
        raise ValueError(f"{uri}: leave out {taken}, which this site adds with its answer.")


def _plain(uri: str, parts: SplitResult) -> str:
    if "*" in _host(uri, parts):
        raise ValueError(f"{uri}: addresses are compared letter by letter, so name each host.")
    return uri


def _host(uri: str, parts: SplitResult) -> str:
    if not parts.hostname:
        raise ValueError(f"{uri}: name a host.")
    if not _HOST.fullmatch(parts.hostname):
        raise ValueError(f"{uri}: a host has letters, digits, dots and hyphens.")
    return parts.hostname
