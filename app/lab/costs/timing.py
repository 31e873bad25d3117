"""What one check takes: measured on this machine, at this moment, with the site's own code."""

import timeit
from collections.abc import Callable
from typing import NamedTuple

from app import clock
from app.config import settings
from app.crypto.keys import access_keys
from app.identity import access_token, signed
from app.identity.access_token import Claims
from app.identity.session import SITE
from app.revocation import log
from app.web.words import MINUTE

TRIES = 5  # the best counts: what else the machine does is not what is asked about


class Times(NamedTuple):
    """Microseconds for one of each. *own*: for a whole check of this site, which remembers both the signature and what was revoked."""

    signature: float
    query: float
    own: float


def measure() -> Times:
    """Take every time again, with a token of no session, which no one gets. Raises StoreUnavailable."""
    now, site = clock.now(), settings().site_url
    claims = Claims(site, site, "no one", SITE, "openid", "no session", "", opened=0, iat=now, exp=now + MINUTE)
    token = access_keys().signing(now).sign(claims._asdict(), access_token.TYPE)
    return Times(
        signature=_time(lambda: signed.read(token, access_token.TYPE, access_keys, (), audience=site), 4),
        query=_time(lambda: log.is_over(claims), 4),
        own=_time(lambda: access_token.check(token), 50),
    )


def _time(action: Callable[[], object], times: int) -> float:
    return min(timeit.repeat(action, repeat=TRIES, number=times)) / times * 1e6
