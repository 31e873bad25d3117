"""Look up an address's country in the operator's database, if there is one."""

import struct
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import maxminddb
from flask import Flask
from maxminddb import Reader

from app import context
from app.config import Misconfigured, settings
from app.network import address as addresses

_BROKEN = (OSError, ValueError, LookupError, TypeError, RuntimeError, struct.error)  # what a damaged file leads to
_LOOKED_AT = 1000  # entries, to check that it is a database of countries


class Country(NamedTuple):
    """A country by its code of two letters, and by its name."""

    code: str
    name: str


def init_app(app: Flask) -> None:
    """Give *app* the database. Raises Misconfigured if it is missing, damaged or not one of countries."""
    path = settings().country_database
    app.extensions["countries"] = _open(path) if path else None


def find(address: str) -> Country | None:
    """Return the country of *address*, or None if it is not known."""
    reader: Reader | None = context.app().extensions["countries"]
    found = addresses.read(address) if reader else None
    try:
        return _read(reader.get(found)) if reader and found else None
    except _BROKEN:  # in a damaged part of the database
        return None


def beside(address: str | None) -> str | None:
    """Return *address*, with its country if known."""
    country = find(address) if address else None
    return f"{address}, {country.name}" if country else address


def _open(path: Path) -> Reader:
    mend = "give a map of countries in MaxMind’s format (.mmdb), or leave it out."
    try:
        # Into memory: a file that is replaced must not disturb a look-up.
        reader = maxminddb.open_database(path, maxminddb.MODE_MEMORY)
        if any(_read(record) for _, record in islice(reader, _LOOKED_AT)):
            return reader
    except _BROKEN as problem:
        raise Misconfigured(f"COUNTRY_DATABASE={path} cannot be read: {mend}") from problem
    raise Misconfigured(f"COUNTRY_DATABASE={path} names no countries: {mend}")


def _read(record: object) -> Country | None:
    found = record.get("country") if isinstance(record, dict) else None
    code = found.get("iso_code") if isinstance(found, dict) else None
    if not isinstance(found, dict) or not isinstance(code, str):
        return None
    names = found.get("names")
    name = names.get("en") if isinstance(names, dict) else None
    return Country(code, name if isinstance(name, str) else code)
