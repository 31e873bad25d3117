"""What is left of a deleted account until a purge, and when it was deleted."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("users", sa.Column("deleted_at", Number))
    some = sa.text("deleted_at IS NOT NULL")
    op.create_index("users_by_deleted_at", "users", ["deleted_at"], sqlite_where=some, postgresql_where=some)
