"""A sign-out that had to wait is tried again at any visit."""

from flask import Response, g, request

from app.web import cookies, sign_out
from app.web.held import Held


def retry() -> None:
    """Try it before the page looks at anything else.

    A form may sign out of a later session of this browser, and takes this cookie away with it. Where the browser holds
    nothing else, the form itself is the new try, and earns the receipt.
    """
    if cookies.read(cookies.ENDING) and (request.method == "GET" or Held.here()):
        g.ended_late = sign_out.end_late()


def settle(response: Response) -> Response:
    """Take the cookie away once it has done its work."""
    if g.get("ended_late"):
        cookies.drop(response, cookies.ENDING)
    return response
