"""Apps: what they may ask for, what people allowed them, and what they are told when a session ends."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.add_column("users", sa.Column("is_admin", sa.Boolean, nullable=False, server_default=sa.false()))
    op.create_index("activity_by_event", "activity", ["event", "id"])
    op.add_column("sessions", sa.Column("parent_id", sa.String(64)))
    op.create_index("sessions_of_parent", "sessions", ["parent_id"])
    op.create_index("sessions_of_client", "sessions", ["client_id"])
    for uris in ("redirect_uris", "post_logout_redirect_uris"):
        op.add_column("clients", sa.Column(uris, sa.Text, nullable=False, server_default=""))
    op.add_column("clients", sa.Column("backchannel_logout_uri", sa.String(2000)))
    op.add_column("clients", sa.Column("may_be_private", sa.Boolean, nullable=False, server_default=sa.false()))
    _codes()
    _consents()
    _logout_messages()


def _codes() -> None:
    op.create_table(
        "authorization_codes",
        sa.Column("hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("browser_session_id", sa.String(64), nullable=False),
        sa.Column("redirect_uri", sa.String(2000), nullable=False),
        sa.Column("scope", sa.String(255), nullable=False),
        sa.Column("nonce", sa.String(255)),
        sa.Column("challenge", sa.String(128), nullable=False),
        sa.Column("expires_at", Number, nullable=False, index=True),
        sa.Column("used_at", Number),
        sa.Column("session_id", sa.String(64)),
    )


def _consents() -> None:
    op.create_table(
        "consents",
        sa.Column("user_id", sa.String(64), primary_key=True),
        sa.Column("client_id", sa.String(64), primary_key=True),
        sa.Column("scope", sa.String(255), nullable=False),
        sa.Column("given_at", Number, nullable=False),
    )


def _logout_messages() -> None:
    op.create_table(
        "logout_messages",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("user_id", sa.String(64), nullable=False, index=True),
        sa.Column("session_id", sa.String(64), nullable=False, index=True),
        sa.Column("uri", sa.String(2000), nullable=False),
        sa.Column("may_be_private", sa.Boolean, nullable=False),
        sa.Column("entry", Number, nullable=False),
        sa.Column("made_at", Number, nullable=False),
        sa.Column("attempts", Number, nullable=False),
        sa.Column("claimed_until", Number, nullable=False),
        sa.Column("next_at", Number, index=True),
        sa.Column("delivered_at", Number),
        sa.Column("given_up_at", Number),
        sa.Column("answer", sa.String(80)),
        sa.Column("milliseconds", Number),
    )
