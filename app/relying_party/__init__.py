"""A second site in a separate process: it knows the issuer's address and imports none of the issuer's code."""
