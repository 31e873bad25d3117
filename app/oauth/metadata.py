"""The metadata of the authorization server (RFC 8414; OpenID Connect Discovery): a client needs only the issuer."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from app.config import settings
from app.crypto.jwk import ALGORITHMS
from app.crypto.keys import access_keys, identity_keys
from app.identity.proof import LEVELS
from app.oauth.authorization import PATH, PROMPTS
from app.oauth.clients import BY_KEY, CONFIDENTIAL, GRANTS, METHODS, SCOPES
from app.oauth.userinfo import CLAIMS


def describe() -> Mapping[str, Any]:
    """Return the metadata, made once, so no caller may change it.

    Both documents are one: each may hold members that the other defines.
    """
    return _describe(settings().site_url, settings().is_fapi)


@lru_cache
def _describe(site: str, is_fapi: bool) -> Mapping[str, Any]:
    methods, confidential = ([BY_KEY], [BY_KEY]) if is_fapi else (METHODS, CONFIDENTIAL)
    return {
        "issuer": site,
        "authorization_endpoint": f"{site}{PATH}",
        "token_endpoint": f"{site}/oauth/token",
        "token_endpoint_auth_methods_supported": methods,
        "token_endpoint_auth_signing_alg_values_supported": [*ALGORITHMS],
        "pushed_authorization_request_endpoint": f"{site}/oauth/par",
        "require_pushed_authorization_requests": is_fapi,
        "revocation_endpoint": f"{site}/oauth/revoke",
        "revocation_endpoint_auth_methods_supported": methods,
        "revocation_endpoint_auth_signing_alg_values_supported": [*ALGORITHMS],
        "introspection_endpoint": f"{site}/oauth/introspect",
        "introspection_endpoint_auth_methods_supported": confidential,
        "introspection_endpoint_auth_signing_alg_values_supported": [*ALGORITHMS],
        "userinfo_endpoint": f"{site}/oauth/userinfo",
        "end_session_endpoint": f"{site}/oauth/end-session",
        "jwks_uri": f"{site}/oauth/jwks",
        "status_list_aggregation_endpoint": f"{site}/status-lists",
        "scopes_supported": [*SCOPES],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query"],
        "grant_types_supported": [*GRANTS],
        "code_challenge_methods_supported": ["S256"],
        "dpop_signing_alg_values_supported": [*ALGORITHMS],
        "authorization_response_iss_parameter_supported": True,
        "refresh_token_expiration_types_supported": ["authorization", "token_timeout"],
        **_openid(),
    }


def keys() -> dict[str, Any]:
    """Return the public keys of access tokens and of ID tokens (RFC 7517)."""
    return {"keys": [key.jwk for keys in (access_keys(), identity_keys()) for key in keys.keys.values()]}


def _openid() -> dict[str, Any]:
    of_tokens = ("iss", "aud", "exp", "iat", "auth_time", "nonce", "sid", "at_hash", "amr", "acr")
    return {
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "claims_supported": [*(name for names in CLAIMS.values() for name in names), *of_tokens],
        "acr_values_supported": [*LEVELS],
        "prompt_values_supported": sorted(PROMPTS),
        "claims_parameter_supported": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
    }
