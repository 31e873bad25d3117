"""Until when a chain of an app lasts: an exchange lengthens the session, and begins a chain, but lengthens no other."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("refresh_tokens", sa.Column("ends_at", Number))
    op.execute(
        "UPDATE refresh_tokens SET ends_at = (SELECT expires_at FROM sessions WHERE sessions.id = session_id)"
        " WHERE chain IS NOT NULL"
    )
