"""Experiments that no list of acts can express: HTTP requests, a visit of half an hour, reading tokens without a key."""

from typing import Any

from app.lab import resource, run_view
from app.lab.player import Answer
from app.lab.questions.trial import Trial
from app.web import words


def revoke_by_request(t: Trial) -> dict[str, Any]:
    """Send the request as a stranger, and use the token; then as the client, and use the newer token twice."""
    client, exchanges = resource.credentials(), []

    def send(what: str, **sent: Any) -> None:
        found = t.send("/lab/revoke", **sent)
        exchanges.append(found)
        t.tables["requests"].append(Answer(found.status, found.body.strip() or "The answer is empty.", what=what))

    send("a stranger, without the client’s credentials")
    t.play("uses = exchange thief: the refresh token, after the stranger’s request")
    send("the client", client=client, token_type_hint="refresh_token")  # noqa: S106 - a kind, not a secret
    t.play("uses = exchange thief: the revoked refresh token", "uses = exchange thief: and once more")
    send("the client, about a token that was never issued", client=client, token="unknown")  # noqa: S106 - none
    return {"exchange": exchanges[1].describe()}


def visit_for_half_an_hour(t: Trial) -> dict[str, Any]:
    """Send one request a minute, and refresh when the access token has expired."""
    for minute in range(30):
        (answer,) = t.play("requests = present laptop expiry")
        if answer.status == 401:
            t.play(f"refreshes = exchange laptop: refresh after {minute} minutes", "requests = present laptop expiry")
        t.play("wait 60")
    t.play("sign-out", "refreshes = exchange thief: refresh after the sign-out")
    return {}


def read_without_a_key(t: Trial) -> dict[str, Any]:
    jwt_token, opaque = (t.stage(slug).held["thief"]["access"] for slug in ("this-site", "session"))
    return {"jwt": _read(jwt_token), "opaque": _read(opaque), "token": opaque}


def _read(token: str) -> list[str]:
    """Return every claim of a token that can be read without a key."""
    said = {name: str(value) for name, value in run_view.claims(token).items()}
    return [f"{name}: {value if len(value) <= 16 else words.shorten(value)}" for name, value in said.items()]
