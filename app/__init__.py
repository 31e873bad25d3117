"""Signed Out: a site where Sign Out means signed out."""

import os
from collections.abc import Mapping

from flask import Flask
from flask.sessions import NullSession, SessionInterface
from werkzeug.middleware.proxy_fix import ProxyFix

from app import (
    address,
    admission,
    cli,
    clock,
    config,
    countries,
    db,
    executor,
    keys,
    operation,
    schema,
    security_log,
    stillness,
    throttle,
)
from app.api import log
from app.api import routes as api
from app.controls import routes as controls
from app.identity import access_token, demo, first_use, password, user
from app.mail import outbox
from app.oauth import routes as oauth
from app.openapi import routes as openapi
from app.revocation import delivery
from app.serving.reading import MOST_BODY
from app.web import answered, site


def create_app(environ: Mapping[str, str] = os.environ) -> Flask:
    """Build the application that *environ* describes. Raises Misconfigured with one line if it makes no sense."""
    settings = config.load(environ)
    app = answered.Application(__name__, template_folder="../templates", static_folder=None)
    app.extensions["settings"] = settings
    app.config["MAX_CONTENT_LENGTH"] = MOST_BODY
    app.session_interface = _NoSession()
    clock.follow(settings.instance / "clock" if settings.test_controls else None)

    db.init_app(app, settings)
    with db.opening(app):
        schema.init_app(app)
        for part in (throttle, countries, delivery, admission, outbox):
            part.init_app(app, settings)
        executor.init_app(app, create_app, environ)
        keys.init_app(app)
        security_log.init_app()
        password.init_app(app)
        user.init_app(app)
        demo.init_app(app, settings)
    for tokens in (stillness, access_token, first_use):
        tokens.init_app(app)
    oauth.init_app(app)
    for routes in (api, log, openapi, operation):
        app.register_blueprint(routes.bp)
    site.init_app(app)
    _add_lab(app, settings)
    controls.init_app(app, settings)
    cli.init_app(app)

    _wrap(app, settings)
    return app


def _wrap(app: Flask, settings: config.Settings) -> None:
    hops = settings.trusted_proxies
    if hops:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=0, x_proto=hops, x_host=0)  # type: ignore[method-assign]
    app.wsgi_app = address.Edge(app.wsgi_app, hops)  # type: ignore[method-assign]
    app.wsgi_app = answered.LastWord(app.wsgi_app, hsts=settings.hsts)  # type: ignore[method-assign]


def _add_lab(app: Flask, settings: config.Settings) -> None:
    if settings.lab:
        from app.lab import site as lab  # a deployment without it does not even load it

        lab.init_app(app)


class _NoSession(SessionInterface):
    """No signed session cookie: a copy of one would survive every sign-out."""

    def open_session(self, app: Flask, request: object) -> NullSession:
        return NullSession()

    def save_session(self, app: Flask, session: object, response: object) -> None:
        """There is nothing to save."""
