"""A verifier's memory of the log. Pure: no web framework, no database."""
