"""A second site, in a process of its own: it knows the issuer's address, and imports nothing of ours."""
