"""Places: from where each session was used, and whether its owner was warned."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("places", sa.JSON))
    op.add_column("sessions", sa.Column("warned", sa.BigInteger().with_variant(sa.Integer, "sqlite")))
