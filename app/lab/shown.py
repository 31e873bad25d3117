"""What the experiment shows of a run: the copied tokens in their parts, and the rows that the server keeps."""

from typing import Any

import jwt

from app.lab import issuer
from app.lab.run import Run
from app.web import words


def tokens(run: Run) -> dict[str, Any] | None:
    """Return what the thief's pocket holds, or the browser's while nothing was copied: shortened, and decoded."""
    pocket = run.copied or run.held
    if pocket is None:
        return None
    claims = jwt.decode(pocket.access, options={"verify_signature": False})
    now = issuer.now(run)
    return {
        "parts": pocket.access.split("."),
        "opaque": words.shorten(pocket.opaque),
        "refresh": words.shorten(pocket.refresh),
        "cookie": words.shorten(pocket.cookie),
        "claims": [(name, value, _meaning(name, value, now)) for name, value in claims.items()],
    }


def rows(run: Run) -> list[dict[str, Any]]:
    """Return the rows of the session's refresh tokens, as stored: a hash, never the token."""
    over = issuer.is_over(run, run.laptop, issuer.now(run))
    return [
        {
            "hash": words.shorten(link.hash),
            "issued_at": link.issued_at,
            "used_at": link.used_at,
            "state": "ended" if over or link.used_at is not None else "live",
            "word": "used" if link.used_at is not None else "over" if over else "good for one use",
        }
        for link in run.laptop.chain
    ]


def _meaning(name: str, value: Any, now: int) -> str:
    return {
        "iss": "issued by this site",
        "aud": "meant for the lab's APIs, and refused by the site's own",
        "sub": "about a person who does not exist",
        "sid": "the session, which is what is ended",
        "jti": "this one token's own id, a UUID or as good as one",
        "opened": f"entry {value} of the lab’s log was the next when the session began",
        "iat": "issued",
        "exp": f"expires {words.until(value, now) if name == 'exp' else ''}",
        "bench": "whose experiment it belongs to",
    }.get(name, "")
