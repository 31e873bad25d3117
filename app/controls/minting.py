"""A session without a sign-in form: an account and its cookies, as Playwright's `context.add_cookies` takes them."""

import secrets
from http.cookies import Morsel, SimpleCookie
from typing import Any
from urllib.parse import urlsplit

from flask import Response
from werkzeug.datastructures import MultiDict

from app import clock
from app.config import settings
from app.controls.asked import BadValue
from app.identity import activity, browsers, emails, passwords, refresh_token, sessions, users
from app.identity.refresh_token import Tokens
from app.identity.session import Session
from app.identity.users import User
from app.store.db import writing
from app.web import cookies, forms


def account(email: str, name: str, password: str) -> User:
    """Return the account of this address, made if there is none. Raises BadValue if it cannot be used.

    Without a *password* a new account gets a random one.
    """
    try:
        emails.check_visible(email)
    except ValueError as problem:
        raise BadValue(f"email: {problem}") from problem
    if users.find(email) is None:
        _add(email, name, password or secrets.token_urlsafe())
    user = users.find(email)
    if user is None or user.disabled_at is not None:
        raise BadValue("email: this account is disabled.")
    return user


def session(user: User, *, keep: bool) -> Tokens:
    """Begin a session as the sign-in form would."""
    with writing():
        user = users.lock(user.id)
        sessions.make_room(user.id)
        begun = Session.start(user, browsers.here(), keep=keep)
        begun.places = {}  # it is to be used by another browser than the program that asks for it
        activity.record("signed_in", user.id, begun)
        return refresh_token.issue(begun)


def form(*, secure: bool) -> cookies.Form:
    """Return the form of the cookies: if not *secure*, the one for browsers that keep no Secure cookie over http. Raises BadValue."""
    safest, *others = cookies.forms()
    if secure or not safest.secure:
        return safest
    if not others:
        raise BadValue("secure: this site is on https, where every browser keeps Secure cookies.")
    return others[0]


def jar(tokens: Tokens, form: cookies.Form) -> list[dict[str, Any]]:
    """Return the very cookies that a sign-in sets in this form."""
    response = Response()
    cookies.sign_in(response, cookies.pair(tokens), of=form)
    lines = response.headers.getlist("Set-Cookie")
    return [_describe(morsel) for line in lines for morsel in SimpleCookie(line).values()]


def _add(email: str, name: str, password: str) -> None:
    form = forms.SignUp(MultiDict({"email": email, "name": name, "password": password}))
    if not form.validate():
        raise BadValue("; ".join(f"{field}: {' '.join(map(str, errors))}" for field, errors in form.errors.items()))
    hashed = passwords.hash(password)
    with writing():
        users.sign_up(forms.text(form.email), forms.text(form.name), hashed)


def _describe(morsel: "Morsel[str]") -> dict[str, Any]:
    described = {
        "name": morsel.key,
        "value": morsel.value,
        "domain": urlsplit(settings().site_url).hostname,
        "path": morsel["path"],
        "httpOnly": bool(morsel["httponly"]),
        "secure": bool(morsel["secure"]),
        "sameSite": morsel["samesite"],
    }
    if morsel["max-age"]:  # the browser's clock is the machine's, wherever ours was moved to
        described["expires"] = clock.now() - clock.offset() + int(morsel["max-age"])
    return described
