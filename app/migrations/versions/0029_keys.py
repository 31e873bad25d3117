"""The public keys by which an app proves who it is."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.add_column("clients", sa.Column("jwks", sa.Text))
