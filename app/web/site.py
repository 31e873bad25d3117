"""All pages together: what templates get, and the order of hooks at a request."""

from typing import Any

import jinja2
from flask import Blueprint, Flask, g

from app import clock
from app.config import settings
from app.identity import browsers, passkey
from app.network import countries
from app.web import (
    account,
    activity,
    assets,
    authenticator,
    authorize,
    ceremony,
    compression,
    confirm,
    cookie_probe,
    cross_origin,
    demanded_factor,
    device_binding,
    devices,
    errors,
    forms,
    guard,
    headers,
    holds,
    home,
    idempotency,
    links,
    live,
    mailbox,
    moments,
    next_page,
    own_data,
    passkeys,
    recover,
    refusal_log,
    request_body,
    sign_in,
    sign_in_code,
    sign_in_passkey,
    sign_up,
    sign_up_passkey,
    speculation,
    strokes,
    well_known,
    words,
)
from app.web.admin import routes as admin
from app.web.guard import Visit
from app.web.sign_out import browser, retry, rp_initiated
from app.web.sign_out import routes as sign_out

Links = tuple[tuple[str, str], ...]
_MEMBER: Links = ("/devices", "Devices"), ("/activity", "Activity"), ("/account", "Account")
_VISITOR: Links = ("/sign-in", "Sign in"), ("/sign-up", "Sign up")
_LAB: Links = (("/lab", "Lab"),)
_ADMIN: Links = (("/admin", "Admin"),)
_ASKED_FROM_ELSEWHERE = (authorize, rp_initiated)  # other sites send browsers to these, which then ask
_LEADING_ON = (
    sign_in,
    sign_in_code,
    sign_in_passkey,
    sign_up,
    sign_up_passkey,
    confirm,
    demanded_factor,
    authenticator,
    passkeys,
)  # they go on to `next`, perhaps an app
_PAGES = (
    home,
    holds,
    sign_up,
    sign_up_passkey,
    sign_in,
    sign_in_code,
    sign_in_passkey,
    sign_out,
    account,
    own_data,
    demanded_factor,
    authenticator,
    passkeys,
    devices,
    activity,
    confirm,
    recover,
    links,
    mailbox,
    admin,
)
# They need no check first: what they ask for, or write, has no form and no pending sign-out.
_NO_PAGES = (live, device_binding, ceremony, well_known, assets)


def init_app(app: Flask) -> None:
    """Add every page to *app*."""
    pages, asked = Blueprint("pages", __name__), Blueprint("asked", __name__)
    leading_on = [f"{pages.name}.{page.bp.name}" for page in _LEADING_ON]
    next_page.init_app(app, leading_on)
    for module in (compression, speculation, request_body, headers, idempotency, guard, errors, refusal_log):
        module.init_app(app)
    pages.before_request(cross_origin.check)
    for name in leading_on:
        app.after_request_funcs.setdefault(name, []).append(authorize.let_forms_lead_on)
    pages.before_request(cookie_probe.ask)
    asked.before_request(cross_origin.ask_again)
    for part, listed in ((pages, _PAGES), (asked, _ASKED_FROM_ELSEWHERE)):
        part.before_request(idempotency.begin)
        part.before_request(retry.retry)
        part.before_request(browser.repeat)
        part.after_request(retry.settle)
        part.after_request(cookie_probe.settle)
        for page in listed:
            part.register_blueprint(page.bp)
        app.register_blueprint(part)
    for other in _NO_PAGES:
        app.register_blueprint(other.bp)
    app.context_processor(_context)
    _add_words(app)


class Template(jinja2.Template):
    """A template whose macros are given all that they need. Jinja compares what each page knows besides, at each import."""

    def _get_default_module(self, ctx: Any = None) -> Any:
        return super()._get_default_module()


def _add_words(app: Flask) -> None:
    app.jinja_env.template_class = Template
    app.template_filter("ago")(lambda at: words.ago(at, clock.now()))
    app.template_filter("leading_to")(next_page.leading_to)
    app.template_filter("until")(lambda at: words.until(at, clock.now()))
    app.jinja_env.globals |= {each.__name__: each for each in (moments.ago, moments.until, moments.moment)}
    app.jinja_env.globals["strokes"] = strokes
    for plain in (
        words.span,
        words.clock,
        words.rfc3339,
        words.day,
        words.shorten,
        words.reason,
        words.reason_here,
        words.advice,
        words.event,
        words.proof,
        words.theirs,
        words.listing,
        words.new_place,
        browsers.label,
        countries.beside,
    ):
        app.template_filter(plain.__name__)(plain)


def _context() -> dict[str, Any]:
    visit = guard.visit()
    return {
        "visit": visit,
        "current_user": guard.user_or_anonymous(),
        "navigation": _navigation(visit),
        "insecure_cookies": settings().insecure_cookies,
        "source_url": settings().source_url,
        "security_contact": settings().security_contact,
        "has_lab": settings().lab,
        "has_rooms": settings().lab and settings().workshop,
        "has_mailbox": mailbox.is_here(),
        "takes_passkeys": passkey.are_possible,
        "now": clock.now(),
        "asset": assets.address,
        "once": idempotency.field,
        "is_wrong": forms.is_wrong,
        "ended_late": g.get("ended_late", False),
    }


def _navigation(visit: Visit | None) -> Links:
    """Return the path and the name of each part of the site that is open to the visitor."""
    lab = _LAB if settings().lab else ()
    if visit is None:
        return lab + _VISITOR
    if visit.is_confined:
        return lab
    return _MEMBER + lab + (_ADMIN if visit.user.is_admin else ())
