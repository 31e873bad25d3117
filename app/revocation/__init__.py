"""What is over: one append-only log, and small memories of it. Knows only opaque ids and times."""
