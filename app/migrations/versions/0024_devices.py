"""Sessions bound to their device."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    for column in (
        sa.Column("device_key", sa.LargeBinary(64)),
        sa.Column("bound_at", Number),
        sa.Column("proofs", Number, nullable=False, server_default="0"),
        sa.Column("asked_for", sa.String(64)),
        sa.Column("asked_at", Number),
    ):
        op.add_column("sessions", column)
