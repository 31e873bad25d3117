"""Places for the lab: addresses that are kept for documentation (RFC 5737), in countries of the lab's own choice."""

from app import address
from app.identity import browsers, place
from app.identity.place import Place

COUNTRIES = {"192.0.2.0/24": "Norway", "198.51.100.0/24": "Norway", "203.0.113.0/24": "Portugal"}


def here() -> Place:
    """Return the place from which the current request comes."""
    return locate(browsers.here())


def locate(browser: browsers.Browser) -> Place:
    """Return the place where *browser* is: as on the site, but for the map."""
    return place.of(browser, COUNTRIES.get(address.network(browser.address) or ""))
