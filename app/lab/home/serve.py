"""Serve one design at home: python serve.py denylist_poll, then the curl lines of its page. Needs flask and pyjwt[crypto].

One program is the issuer, at /sign-in, /refresh and /sign-out; an API, at /me; and the owner's browser, at /prove.
"""

import importlib
import sys

from flask import Flask, abort, request
from sessions import Sessions, judge
from world import World

name, port = (*sys.argv[1:], 8080)[:2]
app, world, design = Flask(name), World(), importlib.import_module(name)
issuer, verifier = design.Issuer(world), design.Verifier(world.beside())
sessions, browsers = Sessions(world, issuer), [design.Browser(world.beside())] if hasattr(design, "Browser") else []


@app.post("/sign-in")
def sign_in():
    return sessions.begin(request.form["person"], *(browser.public for browser in browsers))


@app.post("/refresh")
def refresh():
    return sessions.refresh(request.form["refresh_token"], *presented()) or abort(400, "invalid_grant")


@app.post("/sign-out")
def sign_out():
    """Answer with a receipt, if the design gives any."""
    sessions.end(request.form["session"])
    return getattr(issuer, "head", str)() or ("", 204)


@app.get("/me")
def me():
    status, why = judge(verifier.check, request.headers.get("Authorization", "").partition(" ")[2], *presented())
    return f"{why}\n", status


def presented():
    """Return what came along with the token, if anything: a DPoP proof, a bound cookie, or the receipt of a sign-out."""
    headers = [request.headers[name] for name in ("DPoP", "Receipt") if name in request.headers]
    return headers + request.cookies.getlist("bound")


@app.post("/prove")
def prove():
    """Do what only the owner's browser can do; a thief who has the token alone cannot."""
    return "".join(browser.prove(request.form["token"]) for browser in browsers)


@app.errorhandler(ConnectionError)
def cannot_know(silence):
    return f"It cannot know: {silence}\n", 503


app.run(port=int(port), threaded=False)  # the designs expect one request at a time
