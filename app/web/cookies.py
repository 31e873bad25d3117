"""The cookies: the only ones this site ever sets, in a form that this browser keeps."""

from functools import cache, lru_cache
from typing import Any, NamedTuple

from werkzeug.http import dump_cookie
from werkzeug.wrappers import Response

from app import clock, context
from app.config import is_loopback, settings
from app.identity.refresh_token import Tokens

ACCESS = "access"
REFRESH = "refresh"
RECEIPT = "receipt"
ENDING = "ending"
HALF = "half"
PROBE = "probe"
BOUND = "bound"
ASIDE = "aside"  # the old bound cookie, while the browser is asked for a new one
LAB = "lab"
MAIL = "mail"
CEREMONY = "passkey"
_ALL = (ACCESS, REFRESH, RECEIPT, ENDING, HALF)
_NAMES = (*_ALL, PROBE, LAB, MAIL, CEREMONY)
Pair = dict[str, tuple[str, int | None]]  # for each cookie its value and its life in seconds


class Form(NamedTuple):
    """How a cookie is named and set."""

    prefix: str
    secure: bool


# RFC 10017: a browser keeps a cookie of this prefix only if it is Secure, HttpOnly, host-only and on Path=/.
SECURE = Form("__Host-Http-", secure=True)
LOOPBACK = Form("loopback-", secure=False)  # for Safari and others that keep no Secure cookie on http://localhost
INSECURE = Form("", secure=False)
_SHORTER = {BOUND: "__Host-"}  # browsers do not bind cookies with the longer prefix


def forms() -> tuple[Form, ...]:
    """Return the forms that cookies may have at the address of this request, the safest first."""
    here = context.g()
    found: tuple[Form, ...] | None = here.get("cookie_forms")
    if found is None:
        found = here.cookie_forms = _forms()
    return found


def _forms() -> tuple[Form, ...]:
    if settings().insecure_cookies:
        return (INSECURE,)
    return (SECURE, LOOPBACK) if not settings().https and _is_here(context.request().host) else (SECURE,)


@lru_cache(64)  # no more, as clients may send long ones
def _is_here(host: str) -> bool:
    return is_loopback(f"//{host}")


def form() -> Form:
    """Return the form in which this browser keeps cookies: the safest of those that it sent, else the safest."""
    here = context.g()
    found: Form | None = here.get("cookie_form")
    if found is None:
        found = here.cookie_form = next(filter(came, forms()), forms()[0])
    return found


def came(form: Form) -> bool:
    """Return whether the browser sent a cookie of this form."""
    return any(map(context.request().cookies.__contains__, _named(form)))


def name(cookie: str) -> str:
    """Return the name of *cookie* in this browser."""
    return _name(cookie, form())


def attributes() -> str:
    """Return the attributes that each cookie has in this browser, as a page shows them."""
    return ", ".join(_cookie(ACCESS, "", form()).split("; ")[1:])


def read(cookie: str) -> str | None:
    """Return what the browser sent as *cookie*, or None."""
    return _jar().get(cookie)


def sent() -> dict[str, str]:
    """Return the ones of the five that the browser sent."""
    held = _jar()
    return {cookie: held[cookie] for cookie in _ALL if cookie in held}


def _jar() -> dict[str, str]:
    """Return what the browser sent as each cookie, under its name here: a page asks for some a dozen times."""
    here = context.g()
    found: dict[str, str] | None = here.get("cookies")
    if found is None:
        ours = _cookies(form())
        found = here.cookies = {
            ours[named]: value for named, value in context.request().cookies.items() if value and named in ours
        }
    return found


def given(response: Response) -> dict[str, str]:
    """Return the ones of the five that *response* sets, without a value where it drops one."""
    lines = [line.partition(";")[0].partition("=") for line in response.headers.getlist("Set-Cookie")]
    ours = _cookies(form())
    values = {ours[named]: value for named, _, value in lines if named in ours}
    return {cookie: values[cookie] for cookie in _ALL if cookie in values}


def after(response: Response) -> dict[str, str]:
    """Return the ones of the five that the browser will send after *response*."""
    return {cookie: value for cookie, value in (sent() | given(response)).items() if value}


def put(response: Response, cookie: str, value: str, *, seconds: int | None, of: Form | None = None) -> None:
    """Set *cookie* for *seconds*, or, with None, until the browser is closed; in the form of this browser, or *of* another."""
    response.headers.add("Set-Cookie", _cookie(cookie, value, of or form(), max_age=seconds))


def drop(response: Response, cookie: str, *, of: Form | None = None) -> None:
    """Have the browser remove *cookie*, in the form of this browser or *of* another.

    By a date, not by `Max-Age=0`: Firefox adds that to its clock and looks again, so a millisecond later it keeps an
    empty cookie.
    """
    response.headers.add("Set-Cookie", _dropped(cookie, of or form()))


def drop_all(response: Response, of: Form) -> None:
    """Remove every cookie of this form that the browser sent."""
    sent = context.request().cookies
    for cookie, named in zip(_NAMES, _named(of), strict=True):
        if named in sent:
            drop(response, cookie, of=of)


@cache
def _cookies(of: Form) -> dict[str, str]:
    """Return the cookie that each name means in a browser that keeps them in this form."""
    return {_name(cookie, of): cookie for cookie in (*_NAMES, BOUND, ASIDE)}


@cache
def _named(form: Form) -> list[str]:
    """Return the names by which a cookie of this form counts, in the order of `_NAMES`."""
    return [form.prefix + cookie for cookie in _NAMES]


@cache
def _dropped(cookie: str, of: Form) -> str:
    return _cookie(cookie, "", of, expires=0)


def _cookie(cookie: str, value: str, of: Form, **life: Any) -> str:
    """Return the line that sets it, or removes it: a browser removes only what has the same attributes."""
    life |= {"secure": of.secure, "httponly": True, "samesite": "Lax"}
    return dump_cookie(_name(cookie, of), value, sync_expires=False, **life)  # `Max-Age` goes first (RFC 6265, 4.1.2.2)


def pair(tokens: Tokens) -> Pair:
    """Return what `sign_in` needs, so that it reads nothing later."""
    session, now = tokens.session, clock.now()
    given: Pair = {ACCESS: (tokens.access, tokens.claims.exp - now if session.keep else None)}
    if tokens.refresh:
        given[REFRESH] = (tokens.refresh, session.expires_at - now if session.keep else None)
    return given


def sign_in(response: Response, given: Pair, *, of: Form | None = None) -> None:
    """Give the browser its tokens. Unless it is to stay signed in, both go when the browser is closed."""
    for cookie, (value, seconds) in given.items():
        put(response, cookie, value, seconds=seconds, of=of)


def sign_out(response: Response) -> None:
    """Take the tokens from the browser."""
    drop(response, ACCESS)
    drop(response, REFRESH)
    for cookie in (BOUND, ASIDE):
        if read(cookie):
            drop(response, cookie)


def _name(cookie: str, of: Form) -> str:
    return _SHORTER.get(cookie, of.prefix) + cookie
