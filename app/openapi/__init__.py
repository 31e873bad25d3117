"""The published description of the endpoints for machines (OpenAPI 3.1)."""
