"""What the authorization server says of itself (RFC 8414)."""

from typing import Any

from app.config import settings
from app.keys import access_keys
from app.oauth.client import METHODS


def describe() -> dict[str, Any]:
    """Return the metadata: the only thing a client needs to know is the issuer."""
    site = settings().site_url
    return {
        "issuer": site,
        "token_endpoint": f"{site}/oauth/token",
        "token_endpoint_auth_methods_supported": METHODS,
        "revocation_endpoint": f"{site}/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": METHODS,
        "jwks_uri": f"{site}/oauth/jwks",
        "status_list_aggregation_endpoint": f"{site}/status-lists",
        "grant_types_supported": ["refresh_token"],
        "response_types_supported": [],
    }


def keys() -> dict[str, Any]:
    """Return the public keys with which access tokens can be verified (RFC 7517)."""
    return {"keys": [key.jwk for key in access_keys().keys.values()]}
