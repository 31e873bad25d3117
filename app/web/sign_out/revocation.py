"""The revocation request: the site ends its own session as any client would, by RFC 7009, and checks that it ended."""

from collections.abc import Callable

from app.identity import activity, sessions
from app.identity.session import Reason, Session
from app.store.db import StoreUnavailable, db, writing
from app.web import own_server
from app.web.own_server import Exchange
from app.web.presented_tokens import PresentedTokens

Note = Callable[[str], None]


def end(held: PresentedTokens, note: Note | None = None) -> tuple[Exchange, str | None]:
    """Revoke the tokens of a browser. Return the exchange, and the id of a session that this very request ended.

    The transaction that ends it calls *note* with that id. Raises StoreUnavailable.
    """
    ended = list[str]()

    def tell(sid: str) -> None:
        ended.append(sid)
        if note:
            note(sid)

    exchange = _revoke(held, tell)
    rest = [] if held.are_over(ended) else held.sessions()
    for session in rest:
        if session.id not in ended:
            _make_sure(session.id, tell)
    return exchange, ended[0] if ended else None


def _revoke(held: PresentedTokens, tell: Note) -> Exchange:
    """Raise StoreUnavailable if the endpoint could not do it: the tokens must be taken to live on (section 2.2.1)."""
    if held.refresh:
        exchange = own_server.revoke(held.refresh, "refresh_token", tell)
    else:
        exchange = own_server.revoke(held.access or "", "access_token", tell)
    if exchange.status != 200:
        raise StoreUnavailable(f"revocation was answered {exchange.status}")
    return exchange


def _make_sure(sid: str, tell: Note) -> None:
    """End a session of which this browser holds only the access token: revoking that would not be enough."""
    session = db.session.get(Session, sid)
    if session is None or session.await_end():
        return
    with writing():
        locked = sessions.lock(sid)
        if locked and locked.end(Reason.SIGNED_OUT, actor=sid):
            activity.record("signed_out", locked.user_id, locked)
            tell(sid)
