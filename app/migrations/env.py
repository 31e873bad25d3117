"""Run each migration in its own transaction, through the application's engine.

In a single one, each migration would keep its locks through the next, and deadlock with an older node that writes the tables
in another order.
"""

from alembic import context

from app.store.db import db

with db.engine.connect() as connection:
    context.configure(
        connection=connection, target_metadata=db.metadata, render_as_batch=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()
