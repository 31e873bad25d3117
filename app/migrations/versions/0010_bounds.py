"""Bounds: many entries are appended together, and what the lab keeps is found by its age."""

from alembic import op

revision = "0010"
down_revision = "0009"

_NEXT = "an entry takes the next position"
_GROWS = "the revocation log only grows"
_REFUSED = "NEW.size < OLD.size OR (NEW.epoch = OLD.epoch AND OLD.cut_from IS NOT NULL)"

# The head names the last entry of those that a transaction is about to add; each of them follows the one before it.
_SQLITE = (
    "DROP TRIGGER log_entries_insert",
    "CREATE TRIGGER log_entries_insert BEFORE INSERT ON log_entries"
    " WHEN NEW.position IS NOT (SELECT COALESCE(MAX(position), 0) + 1 FROM log_entries)"
    " OR NEW.position > (SELECT size FROM log_head)"
    f" BEGIN SELECT RAISE(ABORT, '{_NEXT}'); END",
    "DROP TRIGGER log_head_update",
    "CREATE TRIGGER log_head_update BEFORE UPDATE ON log_head"
    f" WHEN {_REFUSED}"
    f" BEGIN SELECT RAISE(ABORT, '{_GROWS}'); END",
)
_POSTGRESQL = (
    "CREATE OR REPLACE FUNCTION log_check_position() RETURNS trigger LANGUAGE plpgsql AS"
    " $$ BEGIN IF NEW.position IS DISTINCT FROM (SELECT COALESCE(MAX(position), 0) + 1 FROM log_entries)"
    " OR NEW.position > (SELECT size FROM log_head) THEN"
    f" RAISE EXCEPTION '{_NEXT}' USING ERRCODE = 'integrity_constraint_violation'; END IF; RETURN NEW; END $$",
    "DROP TRIGGER log_head_update ON log_head",
    "CREATE TRIGGER log_head_update BEFORE UPDATE ON log_head"
    f" FOR EACH ROW WHEN ({_REFUSED}) EXECUTE FUNCTION log_refuse('{_GROWS}')",
)


def upgrade() -> None:
    for statement in _SQLITE if op.get_bind().dialect.name == "sqlite" else _POSTGRESQL:
        op.execute(statement)
    op.create_index("lab_benches_by_age", "lab_benches", ["seen_at"])
    op.create_index("lab_rooms_by_age", "lab_rooms", ["made_at"])
