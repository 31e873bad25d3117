"""The logout token, which tells an app that a session is over (Back-Channel Logout, section 2.4). Signed with RS256."""

from app import clock
from app.config import settings
from app.crypto.keys import identity_keys
from app.oauth.logout.messages import Message

TYPE = "logout+jwt"
EVENT = "http://schemas.openid.net/event/backchannel-logout"
SECONDS = 120


def sign(message: Message) -> str:
    """Sign the token of *message* again, for one attempt. Its `jti` stays the same, so that a repetition is no news."""
    now = clock.now()
    claims = {
        "iss": settings().site_url,
        "aud": message.client_id,
        "iat": now,
        "exp": now + SECONDS,
        "jti": message.id,
        "events": {EVENT: {}},
        "sid": message.session_id,  # alone: with a `sub` beside it, common clients end all sessions of the person
    }
    return identity_keys().signing(now).sign(claims, TYPE)
