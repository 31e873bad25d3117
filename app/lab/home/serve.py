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
    # Where each request has to prove something, the owner's browser holds the key.
    browsers = [design.Browser(world)] if hasattr(design, "Browser") else []
    key = [browser.public for browser in browsers]

    @app.post("/sign-in")
    def sign_in():
        return sessions.begin(request.form["person"], *key)

    @app.post("/refresh")
    def refresh():
        return sessions.refresh(request.form["refresh_token"], *key) or abort(400, "invalid_grant")

    @app.post("/sign-out")
    def sign_out():
        sessions.end(request.form["session"])
        return receipt()

    @app.post("/prove")
    def prove():
        """Do what only the owner's browser can do; a thief who has the token alone cannot."""
        return "".join(browser.prove(request.form["access"]) for browser in browsers)

    @app.get("/me")
    def me():
        sent = request.headers
        return answer(verifier.check, sent.get("Authorization", "").partition(" ")[2], *sent.getlist("DPoP"))

    take_receipts(app, issuer, verifier)
    return app


def take_receipts(app, issuer, verifier):
    """Where sign-out gives a receipt, have the verifier look at it: it finds an issuer that has hidden the end."""
    if hasattr(issuer, "head"):
        app.post("/receipt")(lambda: answer(verifier.hear, request.form["receipt"]))


def answer(ask, *presented):
    try:
        ask(*presented)
    except ConnectionError as silence:
        return f"It cannot know: {silence}\n", 503
    except (PermissionError, jwt.InvalidTokenError) as refusal:
        return f"{refusal}\n", 401
    return "Welcome.\n"


if __name__ == "__main__":
    create_app(sys.argv[1]).run(port=int(sys.argv[2]) if len(sys.argv) > 2 else 8080)
