"""The browser of a request: its user agent, in words, and its address."""

from dataclasses import dataclass
from functools import lru_cache

import ua_parser
from flask import request

from app.network import address

_PLAIN = {
    "Chrome Mobile": "Chrome",
    "Chrome Mobile iOS": "Chrome",
    "Edge Mobile": "Edge",
    "Firefox Mobile": "Firefox",
    "Firefox iOS": "Firefox",
    "HeadlessChrome": "Chrome",
    "Mac OS X": "macOS",
    "Mobile Safari": "Safari",
    "Mobile Safari UI/WKWebView": "Safari",
    "Samsung Internet": "Samsung Internet",
}
LONGEST_USER_AGENT = 512  # characters of what a browser says of itself
_PHONES = ("iOS", "Android", "KaiOS", "Windows Phone")


@dataclass(frozen=True)
class Browser:
    """A browser's user agent and address."""

    user_agent: str
    address: str

    @property
    def label(self) -> str:
        """Its browser and system by name."""
        return describe(self.user_agent).label


@dataclass(frozen=True)
class Description:
    """Browser and system by name; *kind* is desktop, phone, tablet or script."""

    browser: str
    os: str
    kind: str

    @property
    def label(self) -> str:
        if not self.os:
            return self.browser
        return f"{self.browser} on {self.os}"


def here() -> Browser:
    """Return the browser of the current request."""
    return Browser(request.user_agent.string[:LONGEST_USER_AGENT], address.here())


def label(user_agent: str | None) -> str | None:
    """Return the name to show for the browser that sent *user_agent*, if one did."""
    return describe(user_agent).label if user_agent is not None else None


@lru_cache(maxsize=2048)
def describe(user_agent: str) -> Description:
    """Name the browser that sent *user_agent*. It is the browser's own claim, so it only helps users to recognise it."""
    found = ua_parser.parse(user_agent)
    browser = found.user_agent.family if found.user_agent else ""
    system = found.os.family if found.os else ""
    device = found.device.family if found.device else ""
    return Description(
        _PLAIN.get(browser, browser) or "Unknown browser", _PLAIN.get(system, system), _kind(user_agent, system, device)
    )


def _kind(user_agent: str, system: str, device: str) -> str:
    if not system:
        return "script"
    if device == "iPad" or (system == "Android" and "Mobile" not in user_agent):
        return "tablet"
    return "phone" if system in _PHONES else "desktop"
