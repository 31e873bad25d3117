"""The endpoints that take or give tokens, described."""

from app.openapi.parts import (
    ADDRESS,
    NUMBER,
    SECONDS,
    TEXT,
    YES_OR_NO,
    Part,
    answer,
    form,
    header,
    members,
    one,
    operation,
    refusal,
)

_ASSERTION = {**TEXT, "description": "By a client with a key, in place of a secret (RFC 7523)."}
_CLIENT = {
    "client_id": TEXT,
    "client_secret": TEXT,
    "client_assertion": _ASSERTION,
    "client_assertion_type": one("urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
}
_CLIENT_PROOF: list[Part] = [
    {"secret": []},
    {},
]  # in the header, or in the form; a public client has only its id, in the form
_TOKEN: list[Part] = [{"token": []}, {"bound_token": []}]
_PROOF = header(
    "DPoP",
    "eyJ…",
    "A proof of the app's key (RFC 9449). Its nonce is in the header `DPoP-Nonce` of each answer to a proof: the first one is `use_dpop_nonce`.",
)
_HINT = {"token_type_hint": {**TEXT, "description": "Changes nothing: a token of either kind is found."}}
_PRESENTED = form(members({"token": {**TEXT, "minLength": 1}}, {**_HINT, **_CLIENT}))

_CODE = members(
    {
        "grant_type": one("authorization_code"),
        "code": TEXT,
        "code_verifier": {"type": "string", "pattern": "^[A-Za-z0-9._~-]{43,128}$"},
    },
    {"redirect_uri": ADDRESS, **_CLIENT},
)
_REFRESH = members(
    {"grant_type": one("refresh_token"), "refresh_token": TEXT},
    {"scope": {**TEXT, "description": "A part of what was granted, for this access token only."}, **_CLIENT},
)
_REQUEST = members(
    {
        "response_type": one("code"),
        "code_challenge": {"type": "string", "pattern": "^[A-Za-z0-9_-]{43}$"},
        "code_challenge_method": one("S256"),
    },
    {"redirect_uri": ADDRESS, **dict.fromkeys(("scope", "state", "nonce", "prompt", "max_age"), TEXT), **_CLIENT},
)
_PUSHED = members({"request_uri": TEXT, "expires_in": SECONDS})
_TOKENS = members(
    {
        "access_token": TEXT,
        "token_type": one("Bearer", "DPoP"),
        "expires_in": SECONDS,
        "scope": TEXT,
    },
    {
        "refresh_token": {**TEXT, "description": "Good for one exchange. An app for codes alone gets none."},
        "id_token": TEXT,
        "refresh_token_timeout": SECONDS,
        "authorization_expires_in": SECONDS,
    },
)
_ACTIVE = members(
    {"active": YES_OR_NO},
    dict.fromkeys(("iss", "aud", "sub", "client_id", "scope", "sid", "jti", "token_type"), TEXT)
    | {"cnf": members({"jkt": TEXT})}
    | {"iat": NUMBER, "exp": NUMBER, "auth_time": NUMBER, "acr": TEXT, "amr": {"type": "array", "items": TEXT}},
)
_PERSON = members({"sub": TEXT}, {"name": TEXT, "email": TEXT, "email_verified": YES_OR_NO})
_REFUSED = {
    "400": refusal(
        "The request makes no sense, the grant is over (`invalid_grant`), or the app's key is not proved"
        " (`invalid_dpop_proof`, `use_dpop_nonce`)."
    ),
    "401": refusal("The client has not proved who it is: `invalid_client`."),
    "413": refusal("The body is too long."),
    "429": refusal("Too many failed attempts from this address."),
}
_UNPROVED = {
    "400": refusal("The token is sent in more than one way."),
    "401": refusal("There is no token, it is expired, revoked or malformed, or its key is not proved.", challenge=True),
}

PATHS = {
    "/oauth/token": {
        "post": operation(
            "Exchange a code or a refresh token",
            {"200": answer("A new pair of tokens.", _TOKENS), **_REFUSED},
            security=_CLIENT_PROOF,
            parameters=[_PROOF],
            requestBody=form(_CODE, _REFRESH),
        )
    },
    "/oauth/par": {
        "post": operation(
            "Hand in an authorization request (RFC 9126)",
            {"201": answer("Its name, which the browser is to bring.", _PUSHED), **_REFUSED},
            description="The parameters are those of the authorization endpoint.",
            security=_CLIENT_PROOF,
            parameters=[_PROOF],
            requestBody=form(_REQUEST),
        )
    },
    "/oauth/revoke": {
        "post": operation(
            "Give a token back (RFC 7009)",
            {"200": answer("It is over now, or has been, or never was this client's.", {}), **_REFUSED},
            description="A refresh token, used or not, ends its whole session; an access token ends alone.",
            security=_CLIENT_PROOF,
            requestBody=_PRESENTED,
        )
    },
    "/oauth/introspect": {
        "post": operation(
            "Ask whether a token is good (RFC 7662)",
            {"200": answer("What it stands for, or that it is not active.", _ACTIVE), **_REFUSED},
            description="For clients with a secret or a key.",
            security=_CLIENT_PROOF,
            requestBody=_PRESENTED,
        )
    },
    "/oauth/userinfo": {
        method: operation(
            "Ask who the person is (OpenID Connect Core, section 5.3)",
            {
                "200": answer("What the token's scopes allow to know.", _PERSON),
                **_UNPROVED,
                "403": refusal("The token does not cover this: `insufficient_scope`.", challenge=True),
            },
            security=_TOKEN,
            parameters=[_PROOF],
        )
        for method in ("get", "post")
    },
    "/api/me": {
        "get": operation(
            "Ask what an access token stands for",
            {
                "200": answer("Its own claims.", members(dict.fromkeys(("sub", "sid", "client_id", "scope"), TEXT))),
                **_UNPROVED,
            },
            security=_TOKEN,
            parameters=[_PROOF],
        )
    },
}
