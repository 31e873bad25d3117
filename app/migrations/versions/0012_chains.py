"""Chains: an app's session has one for each exchange of a code, and each says what it is good for."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_ENDS_CHAIN = sa.text("chain IS NOT NULL AND used_at IS NULL AND stopped_at IS NULL")


def upgrade() -> None:
    op.add_column("sessions", sa.Column("chains", Number, nullable=False, server_default="0"))
    op.add_column("refresh_tokens", sa.Column("chain", Number))
    op.add_column("refresh_tokens", sa.Column("scope", sa.String(255)))
    op.add_column("refresh_tokens", sa.Column("stopped_at", Number))
    # An app's session had one chain, of all that the session is good for.
    op.execute(
        "UPDATE refresh_tokens SET chain = 0, scope = (SELECT scope FROM sessions WHERE sessions.id = session_id)"
        " WHERE session_id IN (SELECT id FROM sessions WHERE client_id <> 'signed-out')"
    )
    op.create_index(
        "refresh_tokens_of_chains",
        "refresh_tokens",
        ["session_id", "issued_at"],
        sqlite_where=_ENDS_CHAIN,
        postgresql_where=_ENDS_CHAIN,
    )
