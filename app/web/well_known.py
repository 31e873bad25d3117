"""The well-known addresses that browsers, crawlers and researchers look for."""

from flask import Response, jsonify, redirect
from flask.typing import ResponseReturnValue

from app import clock
from app.config import DAY, settings
from app.identity import passkey
from app.machines import Machines
from app.web import assets, words

bp = Machines("well_known", __name__)
GOOD_DAYS = 90  # RFC 9116 recommends less than a year
_CACHED = {"Cache-Control": f"public, max-age={DAY}"}
# Pages that are the same for everyone. The others are about a user or a room, or computed again for each address.
_ROBOTS = """\
User-agent: *
Allow: /$
Allow: /sign-in$
Allow: /sign-up$
Allow: /recover$
Allow: /lab$
Allow: /lab/costs$
Allow: /lab/designs
Allow: /lab/hand-out$
Allow: /lab/path
Allow: /lab/rooms$
Allow: /static/
Disallow: /
"""


@bp.get("/.well-known/change-password")
def change_password() -> ResponseReturnValue:
    """Lead a password manager to the form (A Well-Known URL for Changing Passwords)."""
    return redirect("/account/password", 303)


@bp.get("/.well-known/webauthn")
def webauthn() -> ResponseReturnValue:
    """Return the origins that may use this site's passkeys: only its own (WebAuthn, section 5.11)."""
    return jsonify(origins=[passkey.origin()]), _CACHED


@bp.get("/.well-known/security.txt")
def security() -> Response:
    """Return where to report a hole (RFC 9116)."""
    site = settings()
    lines = [
        f"Contact: {site.security_contact}",
        f"Expires: {words.rfc3339(clock.now() + GOOD_DAYS * DAY)}",
        "Preferred-Languages: en",
    ]
    if site.https:  # the field takes no other scheme
        lines.append(f"Canonical: {site.site_url}/.well-known/security.txt")
    return _plain("\n".join(lines) + "\n")


@bp.get("/robots.txt")
def robots() -> Response:
    return _plain(_ROBOTS)


@bp.get("/favicon.ico")
def favicon() -> Response:
    """Return the icon at its default address."""
    response = assets.give("favicon.ico")
    response.headers.update(_CACHED)
    return response


def _plain(text: str) -> Response:
    return Response(text, headers=_CACHED, content_type="text/plain; charset=utf-8")
