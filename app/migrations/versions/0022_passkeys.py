"""Passkeys, and the challenges that were signed."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "passkeys",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("credential", sa.LargeBinary(1023), nullable=False, unique=True),
        sa.Column("public_key", sa.LargeBinary, nullable=False),
        sa.Column("sign_count", Number, nullable=False),
        sa.Column("is_backed_up", sa.Boolean, nullable=False),
        sa.Column("verifies", sa.Boolean, nullable=False),
        sa.Column("name", sa.String(60), nullable=False),
        sa.Column("added_at", Number, nullable=False),
        sa.Column("used_at", Number),
    )
    op.create_table(
        "spent_challenges",
        sa.Column("hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("until", Number, nullable=False, index=True),
    )
