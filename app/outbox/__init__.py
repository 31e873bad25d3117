"""The outbox: what a transaction wants told is written with it, and delivered in the background."""
