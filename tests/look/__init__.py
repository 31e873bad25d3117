"""Looks at every page: `make look`."""
