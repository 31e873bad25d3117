"""How migrations reach the database: through the application's own engine."""

from alembic import context

from app.store.db import db

with db.engine.connect() as connection:
    context.configure(connection=connection, target_metadata=db.metadata, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()
