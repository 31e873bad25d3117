"""What a verifier remembers of the log. Pure: no web framework, no database."""
