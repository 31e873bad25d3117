"""The lab's own log. It goes on from the site's, in which the positions of lab tokens have counted so far."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    head = op.create_table(
        "lab_log_head",
        sa.Column("id", Number, primary_key=True),
        sa.Column("epoch", sa.String(32), nullable=False),
        sa.Column("size", Number, nullable=False),
        sa.Column("told", Number, nullable=False),
    )
    size = op.get_bind().execute(sa.text("SELECT size FROM log_head")).scalar_one()
    op.bulk_insert(head, [{"id": 0, "epoch": secrets.token_hex(16), "size": size, "told": size}])
    op.create_table(
        "lab_log",
        sa.Column("position", Number, primary_key=True, autoincrement=False),
        sa.Column("subject", sa.String(64), nullable=False, index=True),
        sa.Column("until", Number, nullable=False, index=True),
        sa.Column("pushed", sa.Boolean, nullable=False),
    )
