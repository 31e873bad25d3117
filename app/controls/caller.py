"""Who may use the test controls: a program on this machine, and no page of another site that a browser has open."""

from flask import request
from werkzeug.exceptions import Forbidden

from app import address
from app.config import is_loopback
from app.controls import asked
from app.web import cross_origin


def check() -> None:
    """Raise Forbidden for a page of another site or another machine, and Refused for what is no JSON.

    A name that somebody else's DNS leads to this machine makes their page one of "the same origin": hence the host.
    """
    if not (is_loopback(request.host_url) and _is_here()):
        raise Forbidden("loopback only")
    cross_origin.check()
    if request.method == "POST":
        asked.check()


def _is_here() -> bool:
    found = address.read(address.here())
    return found is not None and found.is_loopback
