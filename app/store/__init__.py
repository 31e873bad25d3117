"""The kinds of database, and what is particular to each."""
