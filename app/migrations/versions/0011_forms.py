"""Forms that were sent: who acts on each, and what it was answered."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "forms_sent",
        sa.Column("name", sa.LargeBinary(32), primary_key=True),
        sa.Column("claim", sa.LargeBinary(16), nullable=False),
        sa.Column("at", Number, nullable=False, index=True),
        sa.Column("answer", sa.LargeBinary),
    )
