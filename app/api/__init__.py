"""Endpoints for programs: a resource behind a bearer token, the log, their description, and what monitors ask."""
