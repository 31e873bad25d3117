"""`flask relying-party`: a second site in a separate process."""

import os
import sys
from argparse import ArgumentParser, Namespace

import click
from flask.cli import with_appcontext

from app import config
from app.cli.plain import Command
from app.config import settings
from app.oauth import clients
from app.store.db import writing


@click.command("relying-party", cls=Command, add_help_option=False, context_settings={"ignore_unknown_options": True})
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@with_appcontext
def relying_party(options: tuple[str, ...]) -> None:
    """A second site, to which people sign in with this one; `flask relying-party --help` says how to start it."""
    # It replaces this process, which has the database open and knows the secrets: a relying party needs only an address.
    private = {setting.name for setting in config.SETTINGS if setting.is_private}
    public = {name: value for name, value in os.environ.items() if name not in private} | _registration(options)
    command = [sys.executable, "-m", "app.relying_party", *options]
    os.chdir(config.PROJECT)
    os.execve(sys.executable, command, public)  # noqa: S606 - no shell, and our own program


def _registration(options: tuple[str, ...]) -> dict[str, str]:
    """Register a relying party at this site or renew its secret, unless it was given a client id."""
    asked = _read(options)
    if asked.issuer.rstrip("/") == settings().site_url and not settings().lab:
        raise click.ClickException("LAB=0 leaves out what a relying party hears from this site: set LAB=1.")
    if asked.issuer.rstrip("/") != settings().site_url or asked.client_id or not asked.port:
        return {}
    if settings().is_fapi:
        raise click.ClickException("OAUTH_PROFILE=fapi2 asks every app for a key, and a relying party has a secret.")
    host = f"[{asked.host}]" if ":" in asked.host else asked.host
    url = (asked.url or f"http://{host}:{asked.port}").rstrip("/")
    with writing():
        client, secret = clients.register(
            f"Relying party ({asked.delivery})",
            client_id=clients.at(f"{url}/callback"),
            redirect_uris=[f"{url}/callback"],
            scope="openid profile email",
            post_logout_redirect_uris=[f"{url}/signed-out"],
            backchannel_logout_uri=f"{url}/backchannel-logout" if asked.delivery == "push" else None,
            may_be_private=config.is_loopback(url),
        )
    return {"CLIENT_ID": client.id, "CLIENT_SECRET": str(secret)}


def _read(options: tuple[str, ...]) -> Namespace:
    parser = ArgumentParser("flask relying-party", add_help=False, allow_abbrev=False)
    for name, default in (("issuer", ""), ("delivery", ""), ("port", ""), ("url", ""), ("host", "127.0.0.1")):
        parser.add_argument(f"--{name}", default=default)
    parser.add_argument("--client-id", default=os.environ.get("CLIENT_ID"))
    return parser.parse_known_args(options)[0]
