"""The lab: benches of visitors, and rooms of teachers."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "lab_rooms",
        sa.Column("code", sa.String(12), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("teacher", sa.String(32), nullable=False, index=True),
        sa.Column("made_at", Number, nullable=False),
    )
    op.create_table(
        "lab_benches",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("room", sa.String(12), index=True),
        sa.Column("nickname", sa.String(40)),
        sa.Column("made_at", Number, nullable=False),
        sa.Column("seen_at", Number, nullable=False),
        sa.Column("run", sa.Text),
        sa.Column("answers", sa.Text, nullable=False),
    )
