"""Each sign-in and each code of an app writes a page less: only the removal of an app finds its sessions by the app."""

from alembic import op

revision = "0034"
down_revision = "0033"


def upgrade() -> None:
    op.drop_index("sessions_of_client", "sessions")
