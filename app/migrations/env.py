"""How migrations reach the database: through the application's own engine, each in a transaction of its own.

In one for all, the locks of each would be held for the next, and an older node that writes the tables in another order would
be in a deadlock with it.
"""

from alembic import context

from app.store.db import db

with db.engine.connect() as connection:
    context.configure(
        connection=connection, target_metadata=db.metadata, render_as_batch=True, transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()
