"""The authorization server: OAuth endpoints for machines."""
