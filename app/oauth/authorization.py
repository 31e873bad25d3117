"""The authorization request that an app sends a browser with, read and judged before the user is asked."""

import re
from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import NoReturn
from urllib.parse import parse_qsl, urlsplit

from authlib.oauth2 import OAuth2Error
from authlib.oauth2.rfc6749 import InvalidRequestError, InvalidScopeError, UnauthorizedClientError
from flask import request
from werkzeug.datastructures import MultiDict

from app.config import settings
from app.identity import id_token, proof
from app.identity.lifetime import OFFLINE, outlives
from app.oauth import clients, pushed
from app.oauth.clients import CODE, Client

PATH = "/oauth/authorize"
PARAMETERS = (
    *("client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "prompt", "max_age"),
    *("code_challenge", "code_challenge_method", "dpop_jkt", "login_hint", "id_token_hint", "acr_values"),
)
PROMPTS = frozenset({"none", "login", "consent", "select_account"})
_SHA256 = re.compile(r"[A-Za-z0-9_-]{43}")  # in base64url: of a code verifier, or the thumbprint of a key (RFC 7638)
_LONGEST_NONCE = 255
_OPTIONAL = frozenset({"profile", "email", OFFLINE})
Parameters = MultiDict[str, str]


@dataclass(frozen=True)
class Asked:
    """A request that may be shown to a user. *max_age*: seconds since their last proof of identity.

    *hinted*: the user id of an ID token that the app sent along to say whom it expects. *wants_factor*: whether it
    prefers that the user has proved two factors. *dpop_jkt*: the key that the exchange of the code will need. *pushed*:
    the name of the request, if it was pushed.
    """

    client: Client
    redirect_uri: str
    scope: str
    state: str | None
    nonce: str | None
    challenge: str
    dpop_jkt: str | None
    prompt: frozenset[str]
    max_age: int | None
    login_hint: str | None
    hinted: str | None
    wants_factor: bool
    pushed: str | None = None

    @property
    def is_offline(self) -> bool:
        return outlives(self.scope)

    @property
    def optional(self) -> list[str]:
        """The scopes that the user may keep from the app: not `openid`, so that something is left to allow."""
        scopes = self.scope.split()
        return [scope for scope in scopes if scope in _OPTIONAL] if "openid" in scopes else []

    def without(self, withheld: Collection[str]) -> "Asked":
        """Return the request without the scopes that the user has *withheld* from the app."""
        return replace(self, scope=" ".join(scope for scope in self.scope.split() if scope not in withheld))

    def answer(self, **parameters: str) -> str:
        """Return the address that leads the browser back to the app, with *parameters*, `state` and `iss` (RFC 9207)."""
        return _lead_back(self.redirect_uri, self.state, parameters)


class Unanswerable(Exception):
    """The client or its redirect URI is unknown, so there is nowhere to redirect."""


class Over(Unanswerable):
    """The pushed request has expired, was answered, or is another client's."""


class AuthorizationRefused(Exception):
    """The request cannot be answered; *location* leads the browser back to the app with the error."""

    def __init__(self, location: str) -> None:
        super().__init__()
        self.location = location


def read() -> Asked:
    """Read the request (RFC 6749, section 4.1.1; OpenID Connect Core, section 3.1.2.1): the query, or what was pushed.

    Raises Unanswerable and AuthorizationRefused.
    """
    name = _pushed(request.args)
    given = _given(request.args)
    found, redirect_uri = _who_asks(given)
    state = given.get("state") or None
    try:
        if name is None and (found.require_pushed_authorization_requests or settings().is_fapi):
            _refuse("This client has to push its requests.")
        asked = replace(_read(given, found, redirect_uri, state), pushed=name)
    except OAuth2Error as problem:
        description = problem.get_error_description()
        raise AuthorizationRefused(
            _lead_back(redirect_uri, state, {"error": str(problem.error), "error_description": description})
        ) from problem
    if name:
        pushed.open_(name)
    return asked


def check(given: Parameters) -> None:
    """Judge a request that is pushed, as `read` will. Raises OAuth2Error."""
    if given.get("request_uri"):
        _refuse("A pushed request does not refer to another.")
    try:
        found, redirect_uri = _who_asks(given)
    except Unanswerable as problem:
        raise InvalidRequestError("This redirect_uri is not registered.") from problem
    _read(given, found, redirect_uri, None)


def leads_on(path: str) -> bool:
    """Return whether our *path* leads a browser on to a registered app."""
    return _asked_at(path) is not None


def likes_factor(path: str) -> bool:
    """Return whether this path leads a browser to an app that prefers two factors."""
    given = _asked_at(path)
    return given is not None and _wants_factor(given.get("acr_values", ""))


def _asked_at(path: str) -> Parameters | None:
    """Return what a registered app asks for at our *path*, if it asks."""
    parts = urlsplit(path)
    if parts.path != PATH:
        return None
    try:
        given = _given(MultiDict(parse_qsl(parts.query)))
        _who_asks(given)
    except Unanswerable:
        return None
    return given


def _pushed(query: Parameters) -> str | None:
    """Return the name of the pushed request that *query* brings, if it does."""
    name = query.get("request_uri", "")
    return name if name.startswith(pushed.NAMES) else None


def _given(query: Parameters) -> Parameters:
    """Return the parameters of the request: if it was pushed, those alone (RFC 9126, section 4). Raises Over."""
    name = _pushed(query)
    if name is None:
        return query
    found = pushed.find(name, query.get("client_id", ""))
    if found is None:
        raise Over
    return MultiDict(found)


def _who_asks(given: Parameters) -> tuple[Client, str]:
    ids, uris = given.getlist("client_id"), given.getlist("redirect_uri")
    client = clients.find(ids[0]) if len(ids) == 1 else None
    if client is None or len(uris) > 1:
        raise Unanswerable
    uri = uris[0] if uris else "" if settings().is_fapi else client.get_default_redirect_uri()
    if not uri or not client.check_redirect_uri(uri):
        raise Unanswerable
    return client, uri


def _read(given: Parameters, client: Client, redirect_uri: str, state: str | None) -> Asked:
    if not client.check_grant_type(CODE):
        raise UnauthorizedClientError("This client is not registered for codes.")
    _check_form(given)
    challenge = given.get("code_challenge", "")
    if not _SHA256.fullmatch(challenge) or given.get("code_challenge_method") != "S256":
        _refuse("A code_challenge with the code_challenge_method S256 is needed.")
    nonce = given.get("nonce") or None
    if nonce and len(nonce) > _LONGEST_NONCE:
        _refuse("The nonce is too long.")
    return Asked(
        client=client,
        redirect_uri=redirect_uri,
        scope=_scope(given.get("scope"), client),
        state=state,
        nonce=nonce,
        challenge=challenge,
        dpop_jkt=_dpop_jkt(given.get("dpop_jkt")),
        prompt=_prompt(given.get("prompt", "")),
        max_age=_max_age(given.get("max_age")),
        login_hint=given.get("login_hint"),
        hinted=_hinted(given.get("id_token_hint")),
        wants_factor=_wants_factor(given.get("acr_values", "")),
    )


def _check_form(given: Parameters) -> None:
    if any(len(values) > 1 for _, values in given.lists()):
        _refuse("A parameter is given twice.")
    unsupported = next((name for name in ("request", "request_uri", "registration") if given.get(name)), None)
    if unsupported:
        raise OAuth2Error("This is not supported.", error=f"{unsupported}_not_supported")
    if not given.get("response_type"):
        _refuse("Parameter response_type is missing.")
    if given["response_type"] != "code":
        raise OAuth2Error("The only response_type is code.", error="unsupported_response_type")
    if given.get("response_mode") not in (None, "", "query"):
        _refuse("The only response_mode is query.")


def _scope(wanted: str | None, client: Client) -> str:
    """Return the part of the requested scope that this client may have; by default all but `offline_access`."""
    if not wanted:
        wanted = " ".join(name for name in client.scope.split() if name != OFFLINE)
    granted = client.get_allowed_scope(wanted)
    if not granted:
        raise InvalidScopeError("None of this is for this client.")
    return granted


def _prompt(wanted: str) -> frozenset[str]:
    prompt = frozenset(wanted.split())
    if not prompt <= PROMPTS or ("none" in prompt and len(prompt) > 1):
        _refuse("This prompt makes no sense.")
    return prompt


def _max_age(wanted: str | None) -> int | None:
    if not wanted:
        return None
    if not (wanted.isascii() and wanted.isdigit() and len(wanted) <= 10):
        _refuse("The max_age is a whole number of seconds.")
    return int(wanted)


def _wants_factor(wanted: str) -> bool:
    """Return whether the app prefers two factors (`acr_values`, section 3.1.2.1)."""
    return next((level for level in wanted.split() if level in proof.LEVELS), None) == proof.TWO_FACTORS


def _dpop_jkt(wanted: str | None) -> str | None:
    if not wanted:
        return None
    if not _SHA256.fullmatch(wanted):
        _refuse("The dpop_jkt is the SHA-256 thumbprint of a key.")
    return wanted


def _hinted(token: str | None) -> str | None:
    """Return the id of the user whom the app expects; empty if the hint is not our ID token."""
    hint = id_token.read(token) if token else None
    return hint.sub if hint else "" if token else None


def _refuse(description: str) -> NoReturn:
    raise InvalidRequestError(description)


def _lead_back(redirect_uri: str, state: str | None, parameters: dict[str, str]) -> str:
    given = [*parameters.items(), *([("state", state)] if state else []), ("iss", settings().site_url)]
    return clients.lead_back(redirect_uri, given)
