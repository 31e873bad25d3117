"""Which apps get tokens that are bound to a key alone."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    name = "dpop_bound_access_tokens"
    op.add_column("clients", sa.Column(name, sa.Boolean, nullable=False, server_default=sa.false()))
