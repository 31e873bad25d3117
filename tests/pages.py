"""Every page of the site, by its URL map: a new page is looked at without being named in a test."""

from collections.abc import Iterator, Mapping

from flask import Flask

from app.machines import Machines

# What is no page, although people ask for it: files, parts of pages, and what leads on at once. What answers programs is
# known by its blueprint.
_NO_PAGES = {
    *("/static/<path:name>", "/static/<string(length=16):fingerprint>/<path:name>"),
    *("/signed-out.tlog-proof", "/oauth/authorize", "/oauth/end-session"),
    *("/account/export", "/account/export/schema", "/devices/<string(minlength=16):sid>"),
    *("/lab/designs/<slug>/<file>", "/lab/rooms/<code>", "/lab/rooms/<code>/board"),
    "/lab/rooms/<code>/results.<any(csv, json):kind>",
}
_ARGUMENTS = {"slug": "status-list", "name": "Q1", "token": "none", "key_id": "0", "user_id": "0", "code": "AAA-AAA"}
_QUERIES = {"/confirm": "?action=others"}
SLOW = "/lab/costs"  # it simulates a day
SOONER = f"{SLOW}?people=20"


def pages(app: Flask, arguments: Mapping[str, str] = _ARGUMENTS) -> Iterator[str]:
    """Return an address of each page. *arguments*: values for the parts of a path that vary."""
    for rule in sorted(app.url_map.iter_rules(), key=str):
        is_for_programs = isinstance(app.blueprints.get(rule.endpoint.rpartition(".")[0]), Machines)
        if "GET" not in (rule.methods or ()) or rule.rule in _NO_PAGES or is_for_programs:
            continue
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", arguments[name])
        yield path + _QUERIES.get(path, "")
