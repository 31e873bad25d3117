"""How a page shows a run: the copied tokens, taken apart, and the rows that the server stores."""

from typing import Any

import jwt

from app.lab.home.sessions import digest
from app.lab.player import Stage
from app.web import words


def tokens(stage: Stage) -> dict[str, Any] | None:
    """Return the thief's tokens, or the browser's before a copy was made: shortened and decoded."""
    held = stage.held.get("thief") or stage.held.get("laptop")
    if held is None:
        return None
    return {
        "access": held["access"],
        "parts": held["access"].split("."),
        "refresh": words.shorten(held["refresh"].rpartition(".")[2]),
        "cookie": words.shorten(held["cookie"].rpartition(".")[2]),
        "claims": words.claims(
            claims(held["access"]), stage.now, sub="a person who does not exist: your name in the lab"
        ),
    }


def claims(token: str) -> dict[str, Any]:
    """Return what a token says to any reader: nothing, if it is opaque."""
    try:
        return jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return {}


def rows(stage: Stage) -> list[dict[str, Any]]:
    """Return the rows of the session's refresh tokens, as stored: a hash, never the token."""
    store = stage.sessions.store.rows
    newest, _ = store[f"newest:{stage.session}"]
    issued = [(digest(token), at) for token, at in stage.tokens.items()]
    return [
        {
            "hash": words.shorten(name),
            "issued_at": at,
            "state": "live" if name == newest and not stage.is_over else "ended",
            "word": "used" if name != newest else "over" if stage.is_over else "good for one use",
        }
        for name, at in issued
        if f"refresh:{name}" in store
    ]
