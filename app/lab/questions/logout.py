"""A logout message to an app that is down, with the site's own tokens, judgement and pauses, on a simulated clock."""

from app import clock
from app.crypto.keys import identity_keys
from app.identity import signed
from app.identity.session import SITE
from app.lab.player import Answer
from app.oauth.logout import network, token
from app.oauth.logout.messages import Message
from app.outbox import answer
from app.outbox.answer import Outcome
from app.web import words

DOWN_SECONDS = 60


class Recipient:
    """An app that verifies each message, and acts once on each id (Back-Channel Logout, section 2.6)."""

    def __init__(self) -> None:
        self._seen: set[str] = set()

    def take(self, logout_token: str) -> tuple[int, str]:
        """Return the status of the answer, and what it did."""
        said = signed.read(logout_token, token.TYPE, identity_keys, ("exp", "jti", "events"), audience=SITE)
        if said is None or token.EVENT not in said["events"] or "nonce" in said or clock.now() >= said["exp"]:
            return 400, "It is no logout token that the issuer has signed for this app, or it has expired."
        if said["jti"] in self._seen:
            return 200, "It had this one before: nothing to do."
        self._seen.add(said["jti"])
        return 200, "Its user is signed out there too."


def send(user: str, sid: str, *, since: int) -> list[Answer]:
    """Send a message to an app that is down until a minute after *since*, until it arrives, and then once more.

    Each attempt is signed again under the same id, as a token is good for two minutes.
    """
    message = Message(id="lab", client_id=SITE, user_id=user, session_id=sid)
    app, answers, at = Recipient(), list[Answer](), since
    while not answers or network.judge(answers[-1].status) is Outcome.FAILED:
        status, why = (0, "No connection.") if at < since + DOWN_SECONDS else app.take(token.sign(message))
        answers.append(Answer(status, why, what=f"after {words.span(at - since)}" if at > since else "at once"))
        at = answer.next_try(len(answers), since, at) or at
    return [*answers, Answer(*app.take(token.sign(message)), what="once more, as after an answer that was lost")]
