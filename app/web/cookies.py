"""The four cookies: the only ones this site ever sets."""

from flask import request
from werkzeug.wrappers import Response

from app import clock
from app.config import settings
from app.identity.refresh_token import Tokens

ACCESS = "access"
REFRESH = "refresh"
RECEIPT = "receipt"
ENDING = "ending"
_ALL = (ACCESS, REFRESH, RECEIPT, ENDING)
Pair = dict[str, tuple[str, int | None]]  # for each cookie its value and its life in seconds


def read(cookie: str) -> str | None:
    """Return what the browser sent as *cookie*, or None."""
    return request.cookies.get(_name(cookie)) or None


def sent() -> dict[str, str]:
    """Return those of the four that the browser sent."""
    return {cookie: value for cookie in _ALL if (value := read(cookie))}


def given(response: Response) -> dict[str, str]:
    """Return those of the four that *response* sets, with no value where it drops one."""
    lines = [line.partition(";")[0].partition("=") for line in response.headers.getlist("Set-Cookie")]
    values = {name: value for name, _, value in lines}
    return {cookie: values[_name(cookie)] for cookie in _ALL if _name(cookie) in values}


def after(response: Response) -> dict[str, str]:
    """Return those of the four that the browser will send once it has *response*."""
    return {cookie: value for cookie, value in (sent() | given(response)).items() if value}


def put(response: Response, cookie: str, value: str, *, seconds: int | None) -> None:
    """Set *cookie* for so many seconds, or, with None, until the browser is closed."""
    response.set_cookie(
        _name(cookie),
        value,
        max_age=seconds,
        path="/",
        secure=not settings().insecure_cookies,
        httponly=True,
        samesite="Lax",
    )


def drop(response: Response, cookie: str) -> None:
    """Remove *cookie*; a browser heeds this only with the attributes with which it was set."""
    put(response, cookie, "", seconds=0)


def pair(tokens: Tokens) -> Pair:
    """Return what `sign_in` needs, so that nothing has to be read for it any more."""
    session, now = tokens.session, clock.now()
    given: Pair = {ACCESS: (tokens.access, tokens.claims.exp - now if session.keep else None)}
    if tokens.refresh:
        given[REFRESH] = (tokens.refresh, session.expires_at - now if session.keep else None)
    return given


def sign_in(response: Response, given: Pair) -> None:
    """Give the browser its tokens. Unless it is to stay signed in, both go when the browser is closed."""
    for cookie, (value, seconds) in given.items():
        put(response, cookie, value, seconds=seconds)


def sign_out(response: Response) -> None:
    """Take the tokens from the browser."""
    drop(response, ACCESS)
    drop(response, REFRESH)


def _name(cookie: str) -> str:
    # RFC 10017: a browser keeps a cookie of this prefix only if it is Secure, HttpOnly, host-only and on Path=/.
    return cookie if settings().insecure_cookies else f"__Host-Http-{cookie}"
