"""`flask clients`: apps registered, listed and removed."""

import json
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import click

from app import names
from app.cli import addresses, removal
from app.cli.plain import Group
from app.config import settings
from app.identity.lifetime import OFFLINE
from app.oauth import client_keys, clients
from app.oauth.clients import BY_KEY, GRANTS, INTROSPECT, LEAST, REFRESH, SCOPES, Client
from app.store.db import maintaining, writing

group = Group("clients", help="Apps that people may sign in to with their account here.")


class Checked(click.ParamType[str]):
    """A word that *check* returns, or refuses with a ValueError in one line."""

    def __init__(self, name: str, check: Callable[[str], str]) -> None:
        self.name = name
        self._check = check

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            return self._check(value)
        except ValueError as problem:
            raise click.ClickException(str(problem)) from problem


def _name(name: str) -> str:
    mapped = names.read(name, longest=80)
    if not mapped:
        raise ValueError("Give the app a name.")
    return mapped


def _scope(scope: str) -> str:
    wanted = list(dict.fromkeys(scope.split()))
    unknown = [word for word in wanted if word not in (*SCOPES, INTROSPECT)]
    if unknown or not wanted:
        raise ValueError(f"{' '.join(unknown) or 'nothing'}: there are {', '.join(SCOPES)} and {INTROSPECT}.")
    return " ".join(wanted)


def _jwks(path: str) -> str:
    try:
        return client_keys.register(Path(path).read_text())
    except (OSError, ValueError) as problem:
        raise ValueError(f"{path}: {problem}") from problem


JWKS = Checked("file", _jwks)
REDIRECT = Checked("uri", addresses.redirect)
BACKCHANNEL = Checked("uri", addresses.backchannel)
_GRANTS = click.option(
    "grant_types", "--grant", type=click.Choice(GRANTS), multiple=True, help="What it may exchange for tokens."
)


@group.command("add")
@click.argument("name", type=Checked("name", _name))
@click.option("redirect_uris", "--redirect-uri", type=REDIRECT, multiple=True, help="Where people are sent back to.")
@click.option("--public", is_flag=True, help="Runs where it can keep no secret: in a browser, on a phone.")
@click.option(
    "--scope", type=Checked("scope", _scope), help=f"All it may ask for: {LEAST} alone, unless you name more."
)
@_GRANTS
@click.option("require_pushed_authorization_requests", "--par", is_flag=True, help="It has to push its requests.")
@click.option("dpop_bound_access_tokens", "--dpop", is_flag=True, help="It gets tokens that are bound to a key alone.")
@click.option("--jwks", type=JWKS, help="Its public keys, by which it proves who it is, in place of a secret.")
@click.option("post_logout_redirect_uris", "--post-logout-redirect-uri", type=REDIRECT, multiple=True)
@click.option("--backchannel-logout-uri", type=BACKCHANNEL, help="Where it is told that a user signed out.")
@click.option("--allow-private", is_flag=True, help="The host of that one may have a private address.")
@click.option("as_json", "--json", is_flag=True, help="Print it for programs.")
def add(
    scope: str | None,
    grant_types: tuple[str, ...],
    backchannel_logout_uri: str | None,
    allow_private: bool,
    as_json: bool,
    **about: Any,
) -> None:
    """Register an app. Its secret is shown this once."""
    wanted = scope or LEAST
    grants = grant_types or (() if wanted == INTROSPECT else GRANTS)  # a resource server exchanges nothing
    _check(wanted, grants, public=about["public"], has_key=about["jwks"] is not None)
    private = backchannel_logout_uri is not None and addresses.is_private(backchannel_logout_uri)
    with writing():
        client, secret = clients.register(
            scope=wanted,
            grant_types=grants,
            backchannel_logout_uri=backchannel_logout_uri,
            may_be_private=private or allow_private,
            **about,
        )
    _show({"client_id": client.id, "client_secret": secret}, as_json=as_json)
    if scope is None and not as_json:
        more = ", ".join(name for name in (*SCOPES, INTROSPECT) if name != LEAST)
        click.echo(f"It may ask for {LEAST} and nothing else. There are also {more}: --scope.", err=True)


def _check(scope: str, grants: Collection[str], *, public: bool, has_key: bool) -> None:
    """Refuse what an app could never use."""
    if settings().is_fapi and not has_key:
        raise click.ClickException("OAUTH_PROFILE=fapi2 asks every app for a key: give --jwks FILE.")
    if public and has_key:
        raise click.ClickException("An app that can keep a key is not public: leave out --public or --jwks.")
    if public and INTROSPECT in scope.split():
        raise click.ClickException(f"{INTROSPECT} is for resource servers, which have a secret: leave out --public.")
    if OFFLINE in scope.split() and REFRESH not in grants:
        raise click.ClickException(f"{OFFLINE} is of no use without refresh tokens: add --grant {REFRESH}.")


@group.command("change")
@click.argument("client_id")
@_GRANTS
@click.option(
    "require_pushed_authorization_requests", "--par/--no-par", default=None, help="It has to push its requests."
)
@click.option(
    "dpop_bound_access_tokens", "--dpop/--no-dpop", default=None, help="It gets tokens that are bound to a key alone."
)
@click.option("--jwks", type=JWKS, help="Its public keys, in place of those that it has, or of its secret.")
def change(client_id: str, grant_types: tuple[str, ...], **about: Any) -> None:
    """Change an app's registration. Options you leave out stay as they are, and its sessions go on."""
    wanted = about | {"grant_types": " ".join(grant_types) or None}
    changes = {name: value for name, value in wanted.items() if value is not None}
    if not changes:
        raise click.ClickException("Nothing is to be changed: see `flask clients change --help`.")
    with writing():
        client = _registered(client_id)
        if "jwks" in changes:
            if client.is_public:
                raise click.ClickException("This app is public: register it again, with --jwks.")
            clients.renew_secret(client)  # to one that the app never gets
        for name, value in changes.items():
            setattr(client, name, value)


@group.command("renew")
@click.argument("client_id")
@click.option("as_json", "--json", is_flag=True, help="Print it for programs.")
def renew(client_id: str, as_json: bool) -> None:
    """Give an app another secret, after the old one may have leaked. Its sessions go on."""
    with writing():
        client = _registered(client_id)
        if client.jwks or client.is_public:
            raise click.ClickException("This app has no secret. Keys are replaced by `flask clients change --jwks`.")
        secret = clients.renew_secret(client)
    _show({"client_id": client.id, "client_secret": secret}, as_json=as_json)


@group.command("list")
@click.option("as_json", "--json", is_flag=True, help="Print it for programs.")
def list_clients(as_json: bool) -> None:
    """List the apps that are registered."""
    apps = [_about(client) for client in clients.everyone()]
    lines = "\n\n".join(_lines(about) for about in apps) or "No app is registered yet."
    click.echo(json.dumps(apps) if as_json else lines)


@group.command("remove")
@click.argument("client_id")
def remove(client_id: str) -> None:
    """Remove an app with all consents to it. Its tokens are refused before this command returns."""
    client = _registered(client_id)
    name = client.name
    with maintaining():
        count = removal.remove(client)
    click.echo(f"{name} is removed; {count} {'session' if count == 1 else 'sessions'} of it ended.")


def _registered(client_id: str) -> Client:
    client = clients.named([client_id]).get(client_id)
    if client is None:
        raise click.ClickException("There is no app with this id: `flask clients list` names them.")
    return client


def _show(about: dict[str, Any], *, as_json: bool) -> None:
    click.echo(json.dumps(about) if as_json else _lines(about))


def _about(client: Client) -> dict[str, Any]:
    return {
        "client_id": client.id,
        "name": client.name,
        "kind": "public" if client.is_public else "confidential",
        "scope": client.scope,
        "grant_types": client.grant_types.split(),
        "token_endpoint_auth_method": BY_KEY if client.jwks else "none" if client.is_public else "client_secret_basic",
        "keys": [named.kid or named.key.thumbprint for named in client_keys.read(client.jwks)] if client.jwks else [],
        "require_pushed_authorization_requests": client.require_pushed_authorization_requests,
        "dpop_bound_access_tokens": client.dpop_bound_access_tokens,
        "redirect_uris": client.redirect_uris.split(),
        "post_logout_redirect_uris": client.post_logout_redirect_uris.split(),
        "backchannel_logout_uri": client.backchannel_logout_uri,
    }


def _lines(about: dict[str, Any]) -> str:
    words = {name: " ".join(value) if isinstance(value, list) else value for name, value in about.items()}
    return "\n".join(_line(name, value) for name, value in words.items() if value)


def _line(name: str, value: str | bool) -> str:
    return f"{name.replace('_', ' ')}: {'yes' if value is True else value}"
