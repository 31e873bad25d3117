"""Signed Out: a site where Sign Out means signed out."""

import os
from collections.abc import Mapping
from typing import Any

from flask import Flask

from app import cli, clock, config, stillness
from app.api import operation
from app.api import routes as api
from app.capacity import admission, executor, throttle
from app.controls import routes as controls
from app.crypto import keys
from app.identity import access_token, demo, first_use, passwords, session, users
from app.mail import outbox as mail
from app.network import address, countries
from app.oauth import routes as oauth
from app.oauth.logout import outbox as logout
from app.revocation import delivery, log
from app.store import db, schema
from app.telemetry import security_log
from app.web import application, site

_PARTS = (
    *(clock, security_log, schema, throttle, countries, delivery, admission, mail, executor, keys),
    *(passwords, users, demo, stillness, access_token, first_use),
    *(oauth, api, operation, site),
)
_LAST = controls, cli, address, application  # the last two wrap all that is there before them

# What listens to the log, in the transaction that appends an entry. Each may read what those before it wrote: `logout`
# asks which app sessions `session` has marked as ended. `delivery` wakes the nodes once all of it is written.
_PROJECTIONS = log.follow_growth, session.mark_ended, logout.tell_apps, delivery.spread


def create_app(environ: Mapping[str, str] = os.environ) -> Flask:
    """Build the application that *environ* describes. Raises Misconfigured with one line if it makes no sense."""
    app = application.Application(__name__, template_folder="../templates", static_folder=None)
    settings = config.load(environ)
    app.extensions |= {"settings": settings, "factory": (create_app, environ), "projections": _PROJECTIONS}
    db.init_app(app)
    with db.opening(app), app.app_context():
        for part in (*_PARTS, *_lab(settings), *_LAST):
            part.init_app(app)
    return app


def _lab(settings: config.Settings) -> tuple[Any, ...]:
    """Return the lab, if it is on: a deployment without it does not load its pages."""
    if not settings.lab:
        return ()
    from app.lab import site as lab

    return (lab,)
