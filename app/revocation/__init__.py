"""Revocation: one append-only log, and small memories of it. It knows only opaque ids and times."""
