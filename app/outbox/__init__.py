"""The outbox: a transaction writes its messages, and a courier delivers them in the background."""
