"""A mark for a log that has lost entries: it takes no more of them until another epoch begins."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

_BY_ONE = "the revocation log grows by one"
_MARKED = "NEW.epoch = OLD.epoch AND OLD.cut_from IS NOT NULL"
_REFUSED = f"NEW.size NOT IN (OLD.size, OLD.size + 1) OR ({_MARKED})"


def upgrade() -> None:
    op.add_column("log_head", sa.Column("cut_from", sa.BigInteger().with_variant(sa.Integer, "sqlite")))
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DROP TRIGGER IF EXISTS log_head_update")
        op.execute(
            f"CREATE TRIGGER log_head_update BEFORE UPDATE ON log_head WHEN {_REFUSED}"
            f" BEGIN SELECT RAISE(ABORT, '{_BY_ONE}'); END"
        )
    else:
        op.execute("DROP TRIGGER IF EXISTS log_head_update ON log_head")
        op.execute(
            f"CREATE TRIGGER log_head_update BEFORE UPDATE ON log_head FOR EACH ROW WHEN ({_REFUSED})"
            f" EXECUTE FUNCTION log_refuse('{_BY_ONE}')"
        )
