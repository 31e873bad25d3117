"""Known places: where each account signed in or up, at first from what the activity says."""

import re
from collections import defaultdict
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
MOST = 20
_PORT = re.compile(r"^\[?(.+?)\]?:[0-9]{1,5}$")
_SIGNED_IN = (
    "SELECT activity.user_id, address, MAX(at) FROM activity JOIN users ON users.id = activity.user_id"
    " WHERE event IN ('signed_in', 'signed_up') AND address IS NOT NULL GROUP BY activity.user_id, address"
)


def upgrade() -> None:
    table = op.create_table(
        "known_places",
        sa.Column("id", Number, primary_key=True),
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("place", sa.String(64), nullable=False),
        sa.Column("at", Number, nullable=False, index=True),
    )
    op.create_index("known_places_of_user", "known_places", ["user_id", "place"], unique=True)
    found: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for user_id, address, at in op.get_bind().execute(sa.text(_SIGNED_IN)):
        place = _place(address)
        if place:
            found[user_id][place] = max(at, found[user_id].get(place, 0))
    rows = [row for user_id, places in found.items() for row in _newest(user_id, places)]
    if rows:
        op.bulk_insert(table, rows)


def _newest(user_id: str, places: dict[str, int]) -> list[dict[str, Any]]:
    newest = sorted(places.items(), key=lambda place: -place[1])[:MOST]
    return [{"user_id": user_id, "place": place, "at": at} for place, at in newest]


def _place(address: str) -> str | None:
    """Return the IPv4 address, or the IPv6 /64, of an address as it was written until now: as a proxy gave it."""
    for text in (address, _PORT.sub(r"\1", address)):
        try:
            found = ip_address(text.partition("%")[0].strip("[]"))
        except ValueError:
            continue
        if not isinstance(found, IPv6Address):
            return str(found)
        return str(found.ipv4_mapped or ip_network((found, 64), strict=False))
    return None
