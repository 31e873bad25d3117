"""What programs read: a resource behind a bearer token, the log, and the description of their endpoints."""
