"""Test controls are for programs on this machine, never for another site's page in a browser."""

from flask import request
from werkzeug.exceptions import Forbidden

from app.config import is_loopback
from app.controls import asked
from app.network import address
from app.web import cross_origin


def check() -> None:
    """Raise Forbidden for a page of another site or another machine, and BadValue for a body that is not JSON.

    An attacker's DNS can point its name to this machine and make its page "the same origin", so the host is checked.
    """
    if not (is_loopback(request.host_url) and address.is_loopback(address.here())):
        raise Forbidden("loopback only")
    cross_origin.check()
    if request.method == "POST":
        asked.check()
