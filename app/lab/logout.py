"""A logout message on its way to an app that is down: the site's own tokens and pauses, on a clock that can be moved."""

import jwt

from app.config import settings
from app.identity.session import SITE
from app.keys import identity_keys
from app.lab.evidence import Row
from app.oauth.logout import answer, token
from app.oauth.logout.message import Message
from app.web import words

DOWN_SECONDS = 60


class Recipient:
    """An app as it takes messages: verifies each, and acts once on each id (Back-Channel Logout, section 2.6)."""

    def __init__(self) -> None:
        self._seen: set[str] = set()
        self.left = 0

    def take(self, logout_token: str) -> tuple[int, str]:
        """Return the status of the answer, and what it did."""
        try:
            header = jwt.get_unverified_header(logout_token)
            key = identity_keys().keys[header["kid"]]
            said = jwt.decode(logout_token, key.public, algorithms=["RS256"], audience=SITE, issuer=settings().site_url)
        except (jwt.InvalidTokenError, KeyError):
            return 400, "It is not signed by the issuer for this app."
        if header.get("typ") != token.TYPE or token.EVENT not in said.get("events", ()) or "nonce" in said:
            return 400, "It is no logout token."
        if said["jti"] in self._seen:
            return 200, "It had this one before: nothing to do."
        self._seen.add(said["jti"])
        self.left += 1
        return 200, "Its person is signed out there too."


def tell(user: str, sid: str, *, since: int) -> list[Row]:
    """Send one message until it arrives, to an app that is down until a minute after *since*, and then once more.

    Each attempt is signed anew, as a token is good for two minutes, under the same id.
    """
    message = Message(id="lab", client_id=SITE, user_id=user, session_id=sid)
    app, rows, at, attempts = Recipient(), [], since, 0
    while True:
        is_up = at >= since + DOWN_SECONDS
        status, why = app.take(token.sign(message)) if is_up else (503, "Nobody answers.")
        rows.append(Row(_when(at - since), status, accepted=status == 200, over=False, why=why))
        if status == 200:
            break
        attempts += 1
        at = answer.next_try(attempts, since, at) or at
    status, why = app.take(token.sign(message))
    rows.append(Row("once more, as after an answer that was lost", status, accepted=status == 200, over=False, why=why))
    return rows


def _when(seconds: int) -> str:
    return "at once" if not seconds else f"after {words.span(seconds)}"
