"""The database: its connections and statements, and what is particular to SQLite and to PostgreSQL."""
