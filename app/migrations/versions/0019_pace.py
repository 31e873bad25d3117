"""When each attendee of a workshop last came further."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("lab_benches", sa.Column("moved_at", sa.BigInteger().with_variant(sa.Integer, "sqlite")))
