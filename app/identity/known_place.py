"""Known places: where each account signed in or up, as an IPv4 address or an IPv6 /64. Use of a session adds none."""

from sqlalchemy import ForeignKey, Index, String, delete, select, text
from sqlalchemy.orm import Mapped, mapped_column

from app import clock
from app.config import DAY
from app.store.db import Model, db

MOST_NETWORKS = 20  # of one account
KEPT_SECONDS = 90 * DAY  # after the last sign-in there


class KnownPlace(Model):
    """One place of one account. *at*: when it last signed in there."""

    __tablename__ = "known_places"
    __table_args__ = (Index("known_places_of_user", "user_id", "place", unique=True),)
    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id"))
    place: Mapped[str] = mapped_column(String(64))
    at: Mapped[int] = mapped_column(index=True)


def is_known(user_id: str, place: str) -> bool:
    """Return whether the account signed in there lately."""
    found = select(KnownPlace.at).where(KnownPlace.user_id == user_id, KnownPlace.place == place)
    at = db.session.scalar(found)
    return at is not None and clock.now() - at < KEPT_SECONDS


_REMEMBER = text(
    "INSERT INTO known_places (user_id, place, at) VALUES (:user_id, :place, :at)"
    " ON CONFLICT (user_id, place) DO UPDATE SET at = excluded.at"
)


def remember(user_id: str, place: str) -> None:
    """Note a sign-in. If there are too many places, forget the oldest.

    Must run inside `db.writing`, with the user's row locked.
    """
    db.session.execute(_REMEMBER, {"user_id": user_id, "place": place, "at": clock.now()})
    newest = select(KnownPlace.id).where(KnownPlace.user_id == user_id).order_by(KnownPlace.at.desc(), KnownPlace.id)
    db.change(delete(KnownPlace).where(KnownPlace.id.in_(newest.offset(MOST_NETWORKS))))
