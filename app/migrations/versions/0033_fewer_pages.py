"""Each commit writes fewer pages: an index holds only rows that are looked up by it, and ids find events by time."""

import sqlalchemy as sa
from alembic import op

revision = "0033"
down_revision = "0032"


def upgrade() -> None:
    # First what takes the strongest lock on PostgreSQL, table by table as a sign-in writes them: an older node may do so now.
    for column in ("link", "successor"):
        op.drop_index(f"ix_refresh_tokens_{column}", "refresh_tokens")
    for index in ("activity_by_event", "activity_by_time"):
        op.drop_index(index, "activity")
    for column in ("link", "successor"):
        _partial(f"refresh_tokens_by_{column}", "refresh_tokens", column, f"{column} IS NOT NULL")
    reuse = "event IN ('refresh_reused', 'refresh_interrupted', 'code_reused')"
    _partial("activity_of_reuse", "activity", "id", reuse)


def _partial(name: str, table: str, column: str, where: str) -> None:
    op.create_index(name, table, [column], sqlite_where=sa.text(where), postgresql_where=sa.text(where))
