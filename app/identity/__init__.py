"""Who somebody is, and where they are signed in: people, sessions and tokens."""
