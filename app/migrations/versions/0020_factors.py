"""The second factor, sign-ins that wait for it, and how each session, token and code was proved."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("users", sa.Column("totp", sa.LargeBinary))
    op.add_column("users", sa.Column("totp_step", Number))
    for table in ("sessions", "refresh_tokens", "authorization_codes", "activity"):
        op.add_column(table, sa.Column("amr", sa.String(64)))
    op.create_table(
        "recovery_codes",
        sa.Column("hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id"), nullable=False, index=True),
    )
    op.create_table(
        "half_sign_ins",
        sa.Column("hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id"), nullable=False, index=True),
        sa.Column("password_version", Number, nullable=False),
        sa.Column("amr", sa.String(64), nullable=False),
        sa.Column("keep", sa.Boolean, nullable=False),
        sa.Column("until", Number, nullable=False, index=True),
    )
