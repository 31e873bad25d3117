"""DPoP at the token endpoint (RFC 9449, section 5): each grant takes a proof of the app's key, and binds tokens to it."""

from collections.abc import Mapping
from dataclasses import replace

from app.config import settings
from app.identity.dpop import presented
from app.identity.dpop.presented import INVALID, Proved, Unproved
from app.identity.session import SITE
from app.oauth.clients import Registered


def named(form: Mapping[str, str]) -> Proved | None:
    """Return the key that a pushed request proves, if it proves one (section 10.1). Uses nothing up. Raises Unproved."""
    found = presented.check()
    if found and form.get("dpop_jkt") not in (None, found.jkt):
        raise Unproved(INVALID, "The dpop_jkt names another key.")
    return found


def proved(client: Registered) -> Proved | None:
    """Return the key that *client* proves, to which a grant binds its tokens. Uses nothing up. Raises Unproved for a proof
    that is wrong, or missing where the client must have one."""
    found = presented.check()
    if found is not None:
        return replace(found, binds_refresh=client.is_public)
    # Not from the site itself: for the receipt it presents an ended token, and needs exactly that refusal.
    if client.id != SITE and (client.dpop_bound_access_tokens or settings().is_fapi):
        raise Unproved(INVALID, "This client has to prove its key: the header DPoP is missing.")
    return None
