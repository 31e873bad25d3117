"""Every page of the site, by its URL map: a new page is looked at without being named in a test."""

from collections.abc import Iterator, Mapping

from flask import Flask

# What is no page: answers for programs, files, and what leads on at once.
_PREFIXES = ("/.well-known/", "/api/", "/log/", "/static/", "/status-lists", "/test/", "/lab/api/", "/oauth/")
_ALONE = {
    *(
        "/favicon.ico",
        "/healthz",
        "/live",
        "/metrics",
        "/openapi.json",
        "/readyz",
        "/robots.txt",
        "/signed-out.tlog-proof",
    ),
    *("/account/export", "/account/export/schema", "/devices/<string(minlength=16):sid>", "/lab/page", "/lab/revoked"),
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
        if "GET" not in (rule.methods or ()) or rule.rule in _ALONE or rule.rule.startswith(_PREFIXES):
            continue
        path = rule.rule
        for name in rule.arguments:
            path = path.replace(f"<{name}>", arguments[name])
        yield path + _QUERIES.get(path, "")
