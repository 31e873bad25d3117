"""A site on Flask whose people sign in by flask-oidc, in a separate environment."""

import json
import sys
from typing import Any

from flask import Flask, redirect, session
from flask.typing import ResponseReturnValue
from flask_oidc import OpenIDConnect

TOLD = json.loads(sys.argv[1])

app = Flask(__name__)
app.config["SECRET_KEY"] = "for the cookies of this site alone"


@app.get("/")
def home() -> ResponseReturnValue:
    """Say whom the site takes its visitor for."""
    profile, token = session.get("oidc_auth_profile"), session.get("oidc_auth_token")
    if not (profile and token):
        return {"user": None}
    return {"user": {**profile, "id_token": token.get("id_token"), "access": token["access_token"]}}


@app.get("/renew")
def renew() -> ResponseReturnValue:
    """Let the access token be over, so that the next page renews it."""
    if "oidc_auth_token" in session:
        session["oidc_auth_token"] = {**session["oidc_auth_token"], "expires_at": 1}
    return redirect("/")


NAMES: dict[str, Any] = {"ISSUER": TOLD["issuer"], "ID": TOLD["id"], "SECRET": TOLD["secret"], "app": app}
NAMES |= {"OpenIDConnect": OpenIDConnect, "redirect": redirect, "session": session}
exec(compile(TOLD["block"], "docs/apps.md", "exec"), NAMES)  # noqa: S102
app.run("127.0.0.1", TOLD["port"], threaded=True)
