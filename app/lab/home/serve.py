"""Serve one design at home: python serve.py denylist_poll, then the curl lines of its page. Needs flask and pyjwt[crypto].

One program is the issuer, at /sign-in, /refresh and /sign-out, and an API, at /me.
"""

import importlib
import sys

import jwt
from flask import Flask, abort, request
from sessions import Sessions
from world import World

name, port = (*sys.argv[1:], 8080)[:2]
app, world, design = Flask(name), World(), importlib.import_module(name)
issuer, verifier = design.Issuer(world), design.Verifier(world.beside())
sessions, receipt = Sessions(world, issuer), getattr(issuer, "head", None)
browsers = {}  # where a token is bound to a key: by each token, the browser that has the key


@app.post("/sign-in")
def sign_in():
    browser = [design.Browser(world.beside())] if hasattr(design, "Browser") else []
    return hand_out(sessions.begin(request.form["person"], *(one.public for one in browser)), browser)


@app.post("/refresh")
def refresh():
    token = request.form["refresh_token"]
    return hand_out(sessions.refresh(token, *proof()) or abort(400, "invalid_grant"), browsers[token])


def hand_out(held, browser):
    browsers.update({held["access"]: browser, held["refresh"]: browser})
    return held


@app.post("/sign-out")
def sign_out():
    sessions.end(request.form["session"])
    return receipt() if receipt else ("", 204)


@app.get("/me")
def me():
    return decide(verifier.check, request.headers.get("Authorization", "").partition(" ")[2], *proof())


def decide(check, *presented):
    try:
        check(*presented)
    except (LookupError, TypeError, ValueError):  # signed by the issuer, but for another purpose
        return refuse("This is no token of this issuer.")
    return "Welcome.\n"


def proof():
    """Return what came along with the token, if anything: a DPoP proof or a bound cookie."""
    return [*request.headers.getlist("DPoP"), *request.cookies.getlist("bound")]


@app.post("/prove")
def prove():
    """Do what only the owner's browser can do; a thief who has the token alone cannot."""
    token = request.form["token"]
    return "".join(browser.prove(token) for browser in browsers.get(token, ()))


@app.post("/receipt")
def take_receipt():
    """Have the verifier look at the receipt of a sign-out: it finds an issuer that has hidden the end."""
    if not receipt:
        abort(404)
    return decide(verifier.hear, request.form["receipt"])


@app.errorhandler(ConnectionError)
def cannot_know(silence):
    return f"It cannot know: {silence}\n", 503


@app.errorhandler(PermissionError)
@app.errorhandler(jwt.InvalidTokenError)
def refuse(why):
    return f"{why}\n", 401


if __name__ == "__main__":
    app.run(port=int(port), threaded=False)  # the designs expect one request at a time
