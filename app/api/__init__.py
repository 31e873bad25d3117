"""A resource server: one resource behind a bearer token."""
