"""When each attendee of a workshop last came further, and which form their bench acted on last."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.add_column("lab_benches", sa.Column("moved_at", sa.BigInteger().with_variant(sa.Integer, "sqlite")))
    op.add_column("lab_benches", sa.Column("pressed", sa.String(32)))
