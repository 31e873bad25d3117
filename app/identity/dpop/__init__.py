"""DPoP (RFC 9449): tokens of an app that are worth nothing without a key that never leaves the app."""
