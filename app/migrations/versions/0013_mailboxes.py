"""Mailboxes: what addresses of mail are compared by. Of two accounts with one, the older has it, and both stay."""

import logging
import string
import unicodedata

import idna
import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_LOWER = str.maketrans(string.ascii_uppercase, string.ascii_lowercase)
_SAID = "%s accounts have the mailbox of an older account, in another spelling: `flask users collisions` lists them"


def upgrade() -> None:
    op.add_column("users", sa.Column("mailbox", sa.String(1024)))
    op.add_column("users", sa.Column("email_is_folded", sa.Boolean, nullable=False, server_default=sa.true()))
    users = sa.table("users", sa.column("id"), sa.column("email"), sa.column("mailbox"), sa.column("created_at"))
    connection = op.get_bind()
    everyone = connection.execute(sa.select(users.c.id, users.c.email).order_by(users.c.created_at, users.c.id)).all()
    first: dict[str, str] = {}
    for user_id, email in everyone:
        first.setdefault(_mailbox(email), user_id)
    if first:
        change = sa.update(users).where(users.c.id == sa.bindparam("of")).values(mailbox=sa.bindparam("is_now"))
        connection.execute(change, [{"of": user_id, "is_now": mailbox} for mailbox, user_id in first.items()])
    op.create_index("users_by_mailbox", "users", ["mailbox"], unique=True)
    if len(first) < len(everyone):
        logging.getLogger("signed_out.store").warning(_SAID, len(everyone) - len(first))


def _mailbox(email: str) -> str:
    """Return it as it was compared when this migration was written; the site's own rule may change."""
    local, at, domain = unicodedata.normalize("NFC", email).rpartition("@")
    try:
        label = idna.encode(domain, uts46=True).decode()
    except UnicodeError:
        label = domain.lower()
    return f"{local.translate(_LOWER)}{at}{label}"
