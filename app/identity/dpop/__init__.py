"""DPoP (RFC 9449): an app's tokens that are bound to a key, which never leaves the app."""
