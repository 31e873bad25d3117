"""`flask users`: add, close and reopen accounts, and name administrators."""

import sys

import click
from werkzeug.datastructures import MultiDict
from wtforms import Form

from app import clock
from app.cli import person
from app.cli.plain import Group
from app.config import settings
from app.identity import activity, demo, erasure, factors, half, passkey, passwords, sessions, users
from app.identity.session import Reason
from app.oauth import consent
from app.store.db import after_commit, writing
from app.telemetry import security_log
from app.web import forms

group = Group("users", help="Accounts.")


@group.command("add")
@click.argument("email")
@click.option("--name", help="How the pages call this person.")
@click.option("--admin", is_flag=True, help="May see all sessions, and end them.")
@click.option("--password-stdin", is_flag=True, required=True, help="Read the password from standard input.")
def add(email: str, name: str | None, admin: bool, password_stdin: bool) -> None:
    """Add an account, by the rules of the sign-up page."""
    password = _read_password()
    form = forms.SignUp(MultiDict({"email": email, "name": name or email.partition("@")[0], "password": password}))
    _check(form)
    hashed = passwords.hash(password)
    with writing():
        user = users.sign_up(forms.text(form.email), forms.text(form.name), hashed)
        if user is None:
            raise click.ClickException("There is an account with this address.")
        user.is_admin = admin
    click.echo("Added.")


@group.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, required=True, help="Read the password from standard input.")
@click.option("--end-apps", is_flag=True, help="Also take back what the person allowed apps: each has to ask again.")
def set_password(email: str, password_stdin: bool, end_apps: bool) -> None:
    """Give an account another password, by the rules of the pages: all its sessions end."""
    user, password = person.named(email), _read_password()
    _check(forms.NewPassword(MultiDict({"password": password}), user))
    if user.has_password(password):
        raise click.ClickException("This is the password of this account already.")
    hashed = passwords.hash(password)
    with writing():
        users.lock(user.id).set_password(hashed)
        count = sessions.end_all(user.id, Reason.PASSWORD_CHANGED)
        activity.record("password_set", user.id)
        taken_back = end_apps and consent.withdraw_all(user.id)
        if taken_back:
            activity.record("apps_disallowed", user.id)
        has_passkeys = passkey.has_any(user.id)
    apps = " Every app has to ask again." if taken_back else ""
    keys = " Its passkeys still sign in: `flask users remove-passkeys` takes them away." if has_passkeys else ""
    click.echo(f"Changed; {count} sessions ended.{apps}{keys}")


@group.command("remove-factor")
@click.argument("email")
def remove_factor(email: str) -> None:
    """Take the authenticator app and the recovery codes from an account whose owner has lost both: all its sessions end."""
    user = person.named(email)
    if not user.has_factor:
        raise click.ClickException("This account has no second factor.")
    with writing():
        factors.turn_off(users.lock(user.id))
        count = sessions.end_all(user.id, Reason.FACTOR_CHANGED)
        activity.record("factor_removed", user.id)
    click.echo(f"Removed; {count} sessions ended. No code is asked for any more.")


@group.command("remove-passkeys")
@click.argument("email")
def remove_passkeys(email: str) -> None:
    """Take every passkey from an account: another person added one, or its owner lost them. All its sessions end."""
    user = person.named(email)
    if not passkey.has_any(user.id):
        raise click.ClickException("This account has no passkey.")
    if not user.has_some_password:
        raise click.ClickException(
            "Its passkeys are the only way in. Give it a password first: `flask users password`."
        )
    with writing():
        owner = users.lock(user.id)
        passkey.remove_since(user.id, 0)
        if not owner.has_factor:  # recovery codes stood beside the passkeys
            factors.replace_codes(owner, [])
        half.forget(user.id)
        count = sessions.end_all(user.id, Reason.FACTOR_CHANGED)
        activity.record("passkey_removed", user.id)
    click.echo(f"Removed; {count} sessions ended.")


@group.command("collisions")
def list_collisions() -> None:
    """List accounts whose address an older account has in another spelling."""
    for younger, older in users.collisions():
        click.echo(f"{younger.id}  {younger.email}  has the mailbox of {older.id}  {older.email}")


@group.command("seed")
def seed() -> None:
    """Add the demo accounts of a workshop, or put them back as they were. Their password is public."""
    if not settings().workshop:
        raise click.ClickException(
            "Demo accounts are for workshops: set WORKSHOP=1 first, here and where the site runs."
        )
    demo.seed()
    click.echo("\n".join([*demo.ACCOUNTS, f"Their password: {demo.PASSWORD}"]))


@group.command("disable")
@click.argument("email")
def disable(email: str) -> None:
    """Close an account: its sessions end, and its owner cannot sign in."""
    user = person.named(email)
    with writing():
        users.lock(user.id).disabled_at = clock.now()
        count = sessions.end_all(user.id, Reason.DISABLED)
        consent.withdraw_all(user.id)
        activity.record("account_disabled", user.id)
    click.echo(f"Disabled; {count} sessions ended.")


@group.command("enable")
@click.argument("email")
def enable(email: str) -> None:
    """Open a closed account again. What was ended stays ended: the person signs in again."""
    user = person.named(email)
    with writing():
        users.lock(user.id).disabled_at = None
        activity.record("account_enabled", user.id)
    click.echo("Enabled.")


@group.command("delete")
@click.argument("email")
@click.confirmation_option(prompt="Delete this account for good?")
def delete(email: str) -> None:
    """Delete an account for good: its sessions end, its apps are told, and nothing is kept that names its owner."""
    user = person.named(email)
    with writing():
        users.lock(user.id)
        count = sessions.end_all(user.id, Reason.DELETED)
        erasure.forget(user.id)
        after_commit(lambda: security_log.line("account_deleted", user=user.id))
    click.echo(f"Deleted; {count} sessions ended.")


@group.command("admin")
@click.argument("email")
@click.option("--remove", is_flag=True, help="From now on no longer.")
def admin(email: str, remove: bool) -> None:
    """Make a user an administrator, or no longer one."""
    user = person.named(email)
    with writing():
        users.lock(user.id).is_admin = not remove
        activity.record("admin_removed" if remove else "admin_added", user.id)
    click.echo("No longer an administrator." if remove else "An administrator from now on.")


def _read_password() -> str:
    """Return the first line of standard input, whichever system ended it."""
    line = sys.stdin.buffer.readline().rstrip(b"\r\n")
    try:
        return line.decode("utf-8-sig")  # some shells begin with a byte order mark
    except UnicodeDecodeError as problem:
        raise click.ClickException("The password on standard input is not UTF-8.") from problem


def _check(form: Form) -> None:
    if not form.validate():
        raise click.ClickException(" ".join(str(error) for errors in form.errors.values() for error in errors))
