"""Descriptions of what is public: metadata, keys, status lists and the revocation log."""

from app.openapi.parts import (
    ADDRESS,
    TEXT,
    YES_OR_NO,
    answer,
    members,
    one,
    operation,
    parameter,
    refusal,
    text,
    texts,
)

_ENDPOINTS = (
    "authorization",
    "pushed_authorization_request",
    "token",
    "revocation",
    "introspection",
    "userinfo",
    "end_session",
)
_METADATA = members(
    {
        "issuer": ADDRESS,
        **{f"{name}_endpoint": ADDRESS for name in _ENDPOINTS},
        "jwks_uri": ADDRESS,
        "response_types_supported": texts(),
        "grant_types_supported": texts(),
        "scopes_supported": texts(),
        "code_challenge_methods_supported": texts(),
        "dpop_signing_alg_values_supported": texts(),
        "subject_types_supported": texts(),
        "id_token_signing_alg_values_supported": texts(),
    },
    {"backchannel_logout_supported": YES_OR_NO, "status_list_aggregation_endpoint": ADDRESS},
)
_KEY = members(dict.fromkeys(("kty", "kid", "alg"), TEXT) | {"use": one("sig")})
_NONE = {"404": refusal("There is none.")}
_BYTES = {"type": "string", "format": "binary"}
_NUMBER = parameter("number", {"type": "integer", "minimum": 0}, 0, "Counted from 0.")
_LEVEL = parameter("level", {"type": "integer", "minimum": 0, "maximum": 7}, 0, "0 is nearest to the entries.")
_INDEX = parameter(
    "index",
    {"type": "string", "pattern": "^[0-9]{3}$"},
    "000",
    "The first 1000 tiles. Those beyond have one more part of the path for every three digits: `x001/234`.",
)
_WIDTH = parameter("width", {"type": "integer", "minimum": 1, "maximum": 255}, 5, "How many, while it is not full.")
_HASHES = {"200": answer("Hashes of 32 bytes each.", _BYTES, "application/octet-stream"), **_NONE}
_ENTRIES = {
    "200": answer("Each with its length in two bytes before it.", _BYTES, "application/octet-stream"),
    **_NONE,
}


PATHS = {
    "/.well-known/oauth-authorization-server": {
        "get": operation("What the site offers to clients (RFC 8414)", {"200": answer("The metadata.", _METADATA)})
    },
    "/.well-known/openid-configuration": {
        "get": operation("The same, for OpenID Connect", {"200": answer("The metadata.", _METADATA)})
    },
    "/oauth/jwks": {
        "get": operation(
            "The public keys of access tokens and ID tokens",
            {"200": answer("A key set (RFC 7517).", members({"keys": texts(_KEY)}))},
        )
    },
    "/status-lists": {
        "get": operation(
            "Which status lists there are",
            {"200": answer("Their addresses.", members({"status_lists": texts(ADDRESS)}))},
        )
    },
    "/status-lists/{number}": {
        "get": operation(
            "One list: which sessions have ended (Token Status List)",
            {
                "200": answer("The list, as a signed JWT.", TEXT, "application/statuslist+jwt"),
                "304": {"description": "The list that the client has is still served."},
                **_NONE,
                "501": refusal("Lists of another time are not kept."),
            },
            parameters=[_NUMBER],
        )
    },
    "/log/checkpoint": {
        "get": operation(
            "The signed head of the revocation log (C2SP tlog-checkpoint)", {"200": text("A signed note.")}
        )
    },
    "/log/key": {"get": operation("The key that the head is signed with", {"200": text("A verifier key.")})},
    "/log/tile/{level}/{index}": {
        "get": operation("A tile of the log's tree (C2SP tlog-tiles)", _HASHES, parameters=[_LEVEL, _INDEX])
    },
    "/log/tile/{level}/{index}.p/{width}": {
        "get": operation("The first hashes of a tile", _HASHES, parameters=[_LEVEL, _INDEX, _WIDTH])
    },
    "/log/tile/entries/{index}": {
        "get": operation("Entries of the log: commitments, which name no person", _ENTRIES, parameters=[_INDEX])
    },
    "/log/tile/entries/{index}.p/{width}": {
        "get": operation("The first of them", _ENTRIES, parameters=[_INDEX, _WIDTH])
    },
}
