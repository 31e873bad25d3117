"""Links: what each link of a chain proves, and the name by which its access tokens know it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("refresh_tokens", sa.Column("link", sa.String(16)))
    op.add_column("refresh_tokens", sa.Column("auth_time", Number))
    op.create_index("ix_refresh_tokens_link", "refresh_tokens", ["link"])
    op.add_column("authorization_codes", sa.Column("auth_time", Number))
