"""A sign-out that had to wait is tried again at any visit."""

from flask import Response, g, request

from app.web import cookies, sign_out


def retry() -> None:
    """Try it before the page looks at anything else."""
    if request.method == "GET" and cookies.read(cookies.ENDING):
        g.ended_late = sign_out.end_late()


def settle(response: Response) -> Response:
    """Take the cookie away once it has done its work."""
    if g.get("ended_late"):
        cookies.drop(response, cookies.ENDING)
    return response
