"""The keys that codes and refresh tokens of apps are bound to."""

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0026"


def upgrade() -> None:
    op.add_column("authorization_codes", sa.Column("dpop_jkt", sa.String(43)))
    op.add_column("refresh_tokens", sa.Column("jkt", sa.String(43)))
