"""The keys that sign, in the database, sealed under `SECRET_KEY`; and sealing."""
