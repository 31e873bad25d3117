"""Forms that have ended a session, of which the answer is still to be made."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.add_column("forms_sent", sa.Column("ended", sa.LargeBinary))
