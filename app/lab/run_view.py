"""What a page shows of a run: the copied tokens, and the rows that the server stores."""

from typing import Any

import jwt

from app.lab.home.sessions import digest
from app.lab.player import Stage
from app.web import words


def tokens(stage: Stage) -> dict[str, Any] | None:
    """Return the thief's tokens, or the browser's before a copy was made, and what the access token says."""
    held = stage.held.get("thief") or stage.held.get("laptop")
    if held is None:
        return None
    subject = "your name in the lab, where each person is invented"
    return held | {"claims": words.claims(claims(held["access"]), stage.now, sub=subject)}


def claims(token: str) -> dict[str, Any]:
    """Return what a token says to any reader: nothing, if it is opaque."""
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return {}


def rows(stage: Stage) -> list[tuple[str, int, str]]:
    """Return the rows of the session's refresh tokens: a hash, never the token; when it was issued; and its state."""
    store = stage.sessions.store.rows
    newest, _ = store[f"newest:{stage.session}"]
    last = "over" if stage.is_over else "good for one use"
    issued = [(digest(token), at) for token, at in stage.tokens.items()]
    return [(name, at, last if name == newest else "used") for name, at in issued if f"refresh:{name}" in store]
