"""The published description of the endpoints is whole, and they do as it says, for any input."""

import json
import os
import re
import secrets
from collections.abc import Iterator
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, CheckFunction, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import positive_data_acceptance

from app.api.openapi import DOCUMENT
from app.oauth import grants
from tests.browsers import SITE_URL, Site
from tests.oauth.conftest import App, basic, register_app
from tests.oauth.flow import Flow

pytestmark = pytest.mark.page

PATHS = DOCUMENT["paths"]
EXAMPLES = 500 if os.environ.get("LONG") else 15
OPERATIONS = {f"{method.upper()} {path}": (path, method) for path, known in PATHS.items() for method in known}
FORM = "application/x-www-form-urlencoded"
FOR_MACHINES = ("api", "log", "oauth", "openapi", "operation")
TAKES = {"parameters", "requestBody", "security"}


def knows(name: str) -> set[str]:
    """The security schemes of an operation."""
    path, method = OPERATIONS[name]
    return {way for ways in PATHS[path][method].get("security", ()) for way in ways}


def parameters(path: str, method: str) -> list[dict[str, str]]:
    """The parameters of an operation: each is described once, among the components."""
    named = DOCUMENT["components"]["parameters"]
    return [named[given["$ref"].rpartition("/")[2]] for given in PATHS[path][method].get("parameters", ())]


@pytest.fixture(scope="module")
def site(shared_instance: Path) -> Iterator[Site]:
    opened = Site(shared_instance)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def app(site: Site) -> App:
    return register_app(site, "Calendar")


def proof(app: App) -> dict[str, str]:
    assert app.secret
    return {"Authorization": basic(app.id, app.secret)}


def bearer(tokens: dict[str, str]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


@pytest.fixture(scope="module")
def addresses() -> Iterator[str]:
    """Each request from another address, so that none is refused for the failures of those before it."""
    return (str(IPv4Address("10.0.0.0") + number) for number in count(1))


def test_every_grant_is_described() -> None:
    described = re.findall(r'"grant_type": {[^{}]*"enum": \["(\w+)"\]', json.dumps(DOCUMENT))
    assert sorted(described) == sorted(grant.GRANT_TYPE for grant in grants.EVERY)


def test_every_endpoint_for_machines_is_described_and_every_description_leads_to_one(site: Site) -> None:
    there = {
        (rule.endpoint, method)
        for rule in site.app.url_map.iter_rules()
        if rule.endpoint.partition(".")[0] in FOR_MACHINES
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    routes = site.app.url_map.bind("localhost")
    described = set()
    for path, method in OPERATIONS.values():
        examples = {given["name"]: given["example"] for given in parameters(path, method)}
        described.add((routes.match(path.format(**examples), method)[0], method.upper()))
    assert described == there


def test_anyone_may_read_it(site: Site) -> None:
    answer = site.browser().get("/openapi.json", Origin="https://viewer.example")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert answer.get_json()["servers"] == [{"url": SITE_URL}]


def test_requests_that_succeed_are_answered_as_described(site: Site, app: App) -> None:
    described = schemathesis.openapi.from_wsgi("/openapi.json", site.app)
    flow = Flow(app)

    def ask(method: str, path: str, headers: dict[str, str], **form: str) -> dict[str, str]:
        sent = {"body": form, "media_type": FORM} if form else {}
        answer = described[path][method].Case(**sent).call_and_validate(SITE_URL, headers=headers)
        assert answer.status_code == (201 if path == "/oauth/par" else 200)
        found: dict[str, str] = answer.json() if answer.content else {}
        return found

    code = {"grant_type": "authorization_code", "code": flow.allow(site.member("bob@example.org"))}
    kept = {"code_verifier": flow.verifier, "redirect_uri": flow.redirect_uri}
    wanted = parse_qs(urlsplit(flow.path(redirect_uri=flow.redirect_uri)).query)
    assert ask("POST", "/oauth/par", proof(app), **{name: values[0] for name, values in wanted.items()})["request_uri"]
    first = ask("POST", "/oauth/token", proof(app), **code, **kept)
    tokens = ask("POST", "/oauth/token", proof(app), grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert first["id_token"]
    assert ask("GET", "/oauth/userinfo", bearer(tokens))["email"] == "bob@example.org"
    assert ask("GET", "/api/me", bearer(tokens))["client_id"] == app.id
    for kind in ("access_token", "refresh_token"):
        assert ask("POST", "/oauth/introspect", proof(app), token=tokens[kind])["active"]
        assert ask("POST", "/oauth/revoke", proof(app), token=tokens[kind]) == {}
        assert ask("POST", "/oauth/introspect", proof(app), token=tokens[kind]) == {"active": False}


@pytest.mark.parametrize("name", OPERATIONS)
def test_no_input_breaks_it(site: Site, addresses: Iterator[str], name: str) -> None:
    storm(site, name, {}, addresses)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if "secret" in knows(name)])
def test_nothing_that_an_app_sends_breaks_it(site: Site, app: App, addresses: Iterator[str], name: str) -> None:
    storm(site, name, proof(app), addresses)


@pytest.mark.parametrize("name", [name for name in OPERATIONS if "token" in knows(name)])
def test_nothing_that_is_sent_with_a_good_token_breaks_it(
    site: Site, app: App, addresses: Iterator[str], name: str
) -> None:
    email = f"{secrets.token_hex(8)}@example.org"
    storm(site, name, bearer(Flow(app).connect(site.member(email))), addresses)


def storm(site: Site, name: str, known_by: dict[str, str], addresses: Iterator[str]) -> None:
    """Send much that fits the description and much that does not; each answer is one that is described."""
    path, method = OPERATIONS[name]
    described = schemathesis.openapi.from_wsgi("/openapi.json", site.app)[path][method]
    modes = list(GenerationMode) if TAKES & PATHS[path][method].keys() else [GenerationMode.POSITIVE]

    @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
    @given(st.one_of([described.as_strategy(mode) for mode in modes]))
    def send(case: Case) -> None:
        if "secret" in knows(name) and known_by and isinstance(case.body, dict):
            for other in (
                "client_id",
                "client_secret",
                "client_assertion",
                "client_assertion_type",
            ):  # it is known by one of them, and that is in the header
                case.body.pop(other, None)
        sender = {"REMOTE_ADDR": next(addresses)}
        case.call_and_validate(SITE_URL, headers=known_by, excluded_checks=not_meant(path), environ_overrides=sender)

    send()


def not_meant(path: str) -> list[CheckFunction]:
    """What looks like a token is not yet good; and not to be ready is no mistake (one would be 500, not described)."""
    return [positive_data_acceptance, *([not_a_server_error] if path == "/readyz" else [])]
