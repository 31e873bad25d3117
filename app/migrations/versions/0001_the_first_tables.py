"""The first tables."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_FORBIDDEN = "entries of the revocation log are never changed"
_NEXT = "an entry takes the next position"
_STAYS = "the head of the revocation log stays"
_BY_ONE = "the revocation log grows by one"

_SQLITE = (
    f"CREATE TRIGGER log_entries_update BEFORE UPDATE ON log_entries BEGIN SELECT RAISE(ABORT, '{_FORBIDDEN}'); END",
    # With recursive_triggers=ON this one also stops REPLACE, which removes the row first.
    f"CREATE TRIGGER log_entries_delete BEFORE DELETE ON log_entries BEGIN SELECT RAISE(ABORT, '{_FORBIDDEN}'); END",
    "CREATE TRIGGER log_entries_insert BEFORE INSERT ON log_entries"
    " WHEN NEW.position IS NOT (SELECT size FROM log_head) OR EXISTS"
    " (SELECT 1 FROM log_entries WHERE position = NEW.position)"
    f" BEGIN SELECT RAISE(ABORT, '{_NEXT}'); END",
    f"CREATE TRIGGER log_head_delete BEFORE DELETE ON log_head BEGIN SELECT RAISE(ABORT, '{_STAYS}'); END",
    "CREATE TRIGGER log_head_update BEFORE UPDATE ON log_head WHEN NEW.size <> OLD.size + 1"
    f" BEGIN SELECT RAISE(ABORT, '{_BY_ONE}'); END",
)
_POSTGRESQL = (
    "CREATE FUNCTION log_refuse() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation'; END $$",
    "CREATE FUNCTION log_check_position() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN IF NEW.position IS DISTINCT FROM (SELECT size FROM log_head) THEN"
    f" RAISE EXCEPTION '{_NEXT}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
    "CREATE TRIGGER log_entries_change BEFORE UPDATE OR DELETE OR TRUNCATE ON log_entries"
    f" FOR EACH STATEMENT EXECUTE FUNCTION log_refuse('{_FORBIDDEN}')",
    "CREATE TRIGGER log_entries_insert BEFORE INSERT ON log_entries FOR EACH ROW EXECUTE FUNCTION log_check_position()",
    "CREATE TRIGGER log_head_delete BEFORE DELETE OR TRUNCATE ON log_head"
    f" FOR EACH STATEMENT EXECUTE FUNCTION log_refuse('{_STAYS}')",
    "CREATE TRIGGER log_head_update BEFORE UPDATE ON log_head"
    f" FOR EACH ROW WHEN (NEW.size <> OLD.size + 1) EXECUTE FUNCTION log_refuse('{_BY_ONE}')",
)
Number = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    _users()
    _log()
    _sessions()
    _refresh_tokens()
    _clients()
    _activity()
    _receipts()


def _users() -> None:
    op.create_table(
        "users",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("email", sa.String(320), nullable=False, unique=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("password_hash", sa.String(255), nullable=False),
        sa.Column("password_version", Number, nullable=False),
        sa.Column("created_at", Number, nullable=False),
        sa.Column("disabled_at", Number),
    )


def _log() -> None:
    head = op.create_table(
        "log_head",
        sa.Column("id", Number, sa.CheckConstraint("id = 1"), primary_key=True),
        sa.Column("size", Number, nullable=False),
        sa.Column("epoch", sa.String(32), nullable=False),
    )
    op.create_table(
        "log_entries",
        sa.Column("position", Number, primary_key=True, autoincrement=False),
        sa.Column("kind", sa.String(8), sa.CheckConstraint("kind IN ('opened', 'revoked')"), nullable=False),
        sa.Column("scope", sa.String(8), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("opened", Number, nullable=False),
        sa.Column("until", Number, nullable=False),
        sa.Column("at", Number, nullable=False),
        sa.Column("reason", sa.String(32)),
        sa.Column("actor", sa.String(64)),
        sa.Column("nonce", sa.LargeBinary, nullable=False),
    )
    revoked = sa.text("kind = 'revoked'")
    op.create_index(
        "log_entries_revoked", "log_entries", ["subject", "position"], sqlite_where=revoked, postgresql_where=revoked
    )
    op.bulk_insert(head, [{"id": 1, "size": 0, "epoch": secrets.token_hex(16)}])
    for guardian in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(guardian)


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("user_id", sa.String(64), sa.ForeignKey("users.id"), nullable=False),
        sa.Column("client_id", sa.String(64), nullable=False),
        sa.Column("scope", sa.String(255), nullable=False),
        sa.Column("opened", Number, nullable=False),
        sa.Column("began_at", Number, nullable=False),
        sa.Column("last_auth_at", Number, nullable=False),
        sa.Column("last_seen_at", Number, nullable=False),
        sa.Column("idle_until", Number, nullable=False),
        sa.Column("expires_at", Number, nullable=False),
        sa.Column("access_until", Number, nullable=False),
        sa.Column("keep", sa.Boolean, nullable=False),
        sa.Column("user_agent", sa.String(512), nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("name", sa.String(60)),
        sa.Column("ended_entry", Number, sa.ForeignKey("log_entries.position")),
    )
    op.create_index("sessions_of_user", "sessions", ["user_id", "ended_entry", "expires_at"])


def _refresh_tokens() -> None:
    op.create_table(
        "refresh_tokens",
        sa.Column("hash", sa.LargeBinary(32), primary_key=True),
        sa.Column("session_id", sa.String(64), sa.ForeignKey("sessions.id"), nullable=False),
        sa.Column("issued_at", Number, nullable=False),
        sa.Column("access_expires_at", Number, nullable=False),
        sa.Column("seen_at", Number),
        sa.Column("used_at", Number),
        sa.Column("successor", sa.LargeBinary(32)),
        sa.Column("sealed", sa.LargeBinary),
    )
    op.create_index("refresh_tokens_of_session", "refresh_tokens", ["session_id", "issued_at"])
    op.create_index("ix_refresh_tokens_successor", "refresh_tokens", ["successor"])


def _clients() -> None:
    op.create_table(
        "clients",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("secret_hash", sa.LargeBinary(32)),
        sa.Column("scope", sa.String(255), nullable=False),
        sa.Column("created_at", Number, nullable=False),
    )


def _activity() -> None:
    op.create_table(
        "activity",
        sa.Column("id", Number, primary_key=True),
        sa.Column("user_id", sa.String(64), nullable=False),
        sa.Column("session_id", sa.String(64)),
        sa.Column("event", sa.String(32), nullable=False),
        sa.Column("at", Number, nullable=False),
        sa.Column("address", sa.String(64)),
        sa.Column("user_agent", sa.String(512)),
    )
    op.create_index("activity_of_user", "activity", ["user_id", "id"])


def _receipts() -> None:
    op.create_table(
        "receipts",
        sa.Column("id", sa.LargeBinary(32), primary_key=True),
        sa.Column("made_at", Number, nullable=False),
        sa.Column("content", sa.String, nullable=False),
    )
    op.create_index("ix_receipts_made_at", "receipts", ["made_at"])
