"""Under which id a session began: a change of password gives it another."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("sessions", sa.Column("began_as", sa.String(64)))
