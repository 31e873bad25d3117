"""Which grants each app is registered for: those that are there keep both."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"


def upgrade() -> None:
    # The default is for nodes of an older version, which register apps during an upgrade.
    both = sa.Column("grant_types", sa.String(64), nullable=False, server_default="authorization_code refresh_token")
    op.add_column("clients", both)
