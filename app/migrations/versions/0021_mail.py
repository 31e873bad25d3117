"""Verified addresses, links, and an outbox of mail."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    for column in (
        sa.Column("verified_at", Number),
        sa.Column("lost", sa.String(1024)),
        sa.Column("made_in", sa.LargeBinary(32)),
    ):
        op.add_column("users", column)
    for name in ("lost", "made_in"):
        some = sa.text(f"{name} IS NOT NULL")
        op.create_index(f"users_by_{name}", "users", [name], sqlite_where=some, postgresql_where=some)
    op.add_column("activity", sa.Column("notice", sa.String(8)))
    _links()
    _mails()


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("purpose", sa.String(16), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False, index=True),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("about", sa.String(320)),
        sa.Column("session_id", sa.String(64)),
        sa.Column("version", Number, nullable=False),
        sa.Column("made_at", Number, nullable=False),
        sa.Column("until", Number, nullable=False, index=True),
        sa.Column("spent_at", Number),
    )


def _mails() -> None:
    op.create_table(
        "mails",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("user_id", sa.String(64), nullable=False, index=True),
        sa.Column("sealed", sa.LargeBinary),
        sa.Column("link", sa.LargeBinary(32)),
        sa.Column("made_at", Number, nullable=False),
        sa.Column("attempts", Number, nullable=False),
        sa.Column("claimed_until", Number, nullable=False),
        sa.Column("next_at", Number, index=True),
        sa.Column("delivered_at", Number),
        sa.Column("given_up_at", Number),
        sa.Column("answer", sa.String(80)),
        sa.Column("milliseconds", Number),
    )
    op.create_index("mails_settled", "mails", [sa.text("coalesce(delivered_at, given_up_at)")])
