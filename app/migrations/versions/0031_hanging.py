"""Which of an app's sessions hang on a browser's is found without a look at all sessions of the app."""

from alembic import op

revision = "0031"
down_revision = "0030"


def upgrade() -> None:
    op.drop_index("sessions_of_parent", "sessions")
    op.create_index("sessions_of_parent", "sessions", ["parent_id", "client_id"])
