"""Upkeep: an index for each way in which old rows are found."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_index("sessions_by_expiry", "sessions", ["expires_at"])
    _partial("sessions_by_ending", "sessions", ["ended_entry"], "ended_entry IS NOT NULL")
    _partial("log_entries_until", "log_entries", ["until"], "kind = 'revoked'")
    op.create_index("activity_by_time", "activity", ["at"])
    op.create_index("logout_messages_settled", "logout_messages", [sa.text("coalesce(delivered_at, given_up_at)")])
    _partial("logout_messages_undelivered", "logout_messages", ["made_at", "entry"], "delivered_at IS NULL")


def _partial(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
