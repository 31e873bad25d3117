"""The list of all accounts, the newest first, is read in its order, and searched without a look at the table."""

import sqlalchemy as sa
from alembic import op

revision = "0032"
down_revision = "0031"


def upgrade() -> None:
    some = sa.text("deleted_at IS NULL")
    columns = ["created_at", "id", "email", "name"]
    op.create_index("users_by_age", "users", columns, sqlite_where=some, postgresql_where=some)
