"""Codes of an authenticator app (RFC 6238): six digits, a new one every thirty seconds. Pure."""

import hmac

import pyotp

SECONDS = 30
DIGITS = 6
SKEW = 1  # steps that the clock of a phone may be ahead or behind


def new_secret() -> str:
    """Return 160 random bits, as apps read them (Base32)."""
    return pyotp.random_base32()


def address(secret: str, *, account: str, site: str) -> str:
    """Return what the QR code says."""
    return pyotp.TOTP(secret).provisioning_uri(name=account, issuer_name=site)


def step(secret: str, code: str, now: int) -> int | None:
    """Return the step whose code this is, the newest if several have it, or None."""
    app, current = pyotp.TOTP(secret), now // SECONDS
    alike = [
        one
        for one in range(current + SKEW, current - SKEW - 1, -1)
        if hmac.compare_digest(app.generate_otp(one).encode(), code.encode())
    ]
    return max(alike, default=None)
