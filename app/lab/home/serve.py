"""Serve one design at home: python serve.py denylist_poll, then the curl lines of its page. Needs flask and pyjwt[crypto]."""

import importlib
import sys

import jwt
from flask import Flask, abort, request
from sessions import Sessions
from world import World


def create_app(name):
    """Make one program of an issuer, at /sign-in, /refresh and /sign-out, and an API, at /me."""
    app, world, design = Flask(name), World(), importlib.import_module(name)
    issuer, verifier = design.Issuer(world), design.Verifier(world.beside())
    sessions, receipt = Sessions(world, issuer), getattr(issuer, "head", lambda: ("", 204))
    browsers = {}  # where a token is bound to a key: by each token, the browser that has the key

    @app.post("/sign-in")
    def sign_in():
        browser = open_browser(design, world.beside())
        held = sessions.begin(request.form["person"], *(one.public for one in browser))
        return hand_out(held, browser)

    @app.post("/refresh")
    def refresh():
        token = request.form["refresh_token"]
        held = sessions.refresh(token, *proof()) or abort(400, "invalid_grant")
        return hand_out(held, browsers[token])

    def hand_out(held, browser):
        browsers.update({held["access"]: browser, held["refresh"]: browser})
        return held

    @app.post("/sign-out")
    def sign_out():
        sessions.end(request.form["session"])
        return receipt()

    @app.get("/me")
    def me():
        verifier.check(request.headers.get("Authorization", "").partition(" ")[2], *proof())
        return "Welcome.\n"

    act_as_the_browser(app, browsers)
    take_receipts(app, issuer, verifier)
    explain_refusals(app)
    return app


def open_browser(design, world):
    return [design.Browser(world)] if hasattr(design, "Browser") else []


def proof():
    """Return what came along with the token, if anything: a DPoP proof or a bound cookie."""
    return [*request.headers.getlist("DPoP"), *request.cookies.getlist("bound")]


def act_as_the_browser(app, browsers):
    @app.post("/prove")
    def prove():
        """Do what only the owner's browser can do; a thief who has the token alone cannot."""
        token = request.form["token"]
        return "".join(browser.prove(token) for browser in browsers.get(token, ()))


def take_receipts(app, issuer, verifier):
    """Where sign-out gives a receipt, have the verifier look at it: it finds an issuer that has hidden the end."""

    def take():
        verifier.hear(request.form["receipt"])
        return "Welcome.\n"

    if hasattr(issuer, "head"):
        app.post("/receipt")(take)


def explain_refusals(app):
    app.register_error_handler(ConnectionError, lambda silence: (f"It cannot know: {silence}\n", 503))
    for refusal in (PermissionError, jwt.InvalidTokenError):
        app.register_error_handler(refusal, lambda why: (f"{why}\n", 401))


if __name__ == "__main__":
    create_app(sys.argv[1]).run(port=int(sys.argv[2]) if len(sys.argv) > 2 else 8080)
