"""Pushed authorization requests, and which apps have to push theirs."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    name = "require_pushed_authorization_requests"
    op.add_column("clients", sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_table(
        "pushed_requests",
        sa.Column("hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
        sa.Column("is_opened", sa.Boolean, nullable=False),
        sa.Column("until", Number, nullable=False, index=True),
    )
    op.create_index("pushed_requests_of_client", "pushed_requests", ["client_id", "until"])
