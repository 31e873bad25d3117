"""The request to a test control: one JSON object."""

from typing import Any, TypeVar

from flask import request

Kind = TypeVar("Kind")
_KINDS = {int: "a whole number", bool: "true or false", str: "text"}


class BadValue(Exception):
    """The request cannot be done as it was sent; the message says what to send."""


def check() -> None:
    """Raise BadValue for anything but a JSON object. A page can send any other type to another site unasked (CORS)."""
    if request.mimetype != "application/json" or not isinstance(_body(), dict):
        raise BadValue("Send a JSON object as application/json.")


def value(name: str, kind: type[Kind], default: Kind | None = None) -> Kind:
    """Return what was sent as *name*, exactly of this kind: true is no number. Raises BadValue."""
    found = _body().get(name, default)
    if type(found) is not kind:
        raise BadValue(f"{name}: send {_KINDS[kind]}.")
    return found


def _body() -> Any:
    return request.get_json(silent=True)
