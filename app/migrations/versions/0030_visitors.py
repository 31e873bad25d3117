"""The table of the lab's visitors is named after them."""

from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    op.drop_index("ix_lab_benches_room", "lab_benches")
    op.drop_index("lab_benches_by_age", "lab_benches")
    op.rename_table("lab_benches", "lab_visitors")
    op.create_index("ix_lab_visitors_room", "lab_visitors", ["room"])
    op.create_index("lab_visitors_by_age", "lab_visitors", ["seen_at"])
