"""Health, readiness and metrics: the operator's endpoints."""

import re
import subprocess
import sys

import pytest

from tests import backings
from tests.backings import Backing
from tests.browsers import ACCESS, Site


def number(site: Site, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", site.browser().get("/metrics").text, re.MULTILINE)
    return float(found[1]) if found else 0.0


def ready(site: Site) -> bool:
    # A node joins in the background; how many looks that takes depends on the machine.
    return any(site.browser().get("/readyz").status_code == 200 for _ in range(50_000))


@pytest.mark.stores("what ready means")
def test_it_lives_and_is_ready(site: Site) -> None:
    assert site.browser().get("/healthz").status_code == 200
    assert ready(site)


@pytest.mark.stores("a lock")
def test_it_is_not_ready_while_it_cannot_write_and_says_so(site: Site) -> None:
    assert ready(site)
    site.impatient()
    with backings.locked(site.folder):
        answer = site.browser().get("/readyz")
    assert answer.status_code == 503
    assert "cannot be written" in answer.get_json()["reason"]
    assert ready(site)


def test_refusals_and_events_are_counted(site: Site) -> None:
    ada = site.member()
    pocket = ada.pocket()
    over, signed_out = (
        'signed_out_refusals_total{reason="over"}',
        'signed_out_security_events_total{event="signed_out"}',
    )
    before = number(site, over), number(site, signed_out)
    ada.sign_out()
    ada.api(pocket[ACCESS])
    assert number(site, over) >= before[0] + 1
    assert number(site, signed_out) == before[1] + 1


def test_reuse_of_a_refresh_token_is_counted(site: Site) -> None:
    name = 'signed_out_security_events_total{event="refresh_reused"}'
    before = number(site, name)
    ada = site.member()
    old = ada.pocket()
    for _ in range(2):
        ada.forget(ACCESS)
        ada.get("/account")
    site.thief(old, "__Host-Http-refresh").get("/account")
    assert number(site, name) == before + 1


@pytest.mark.stores("nodes")
def test_on_postgresql_the_lease_and_what_each_node_has_yet_to_read_are_told(site: Site, backing: Backing) -> None:
    assert ready(site)
    text = site.browser().get("/metrics").text
    assert ("signed_out_lease_age_seconds" in text) == (backing.name != "sqlite")
    assert bool(re.search(r'^signed_out_entries_behind\{node="[^"]+"\} \d+$', text, re.MULTILINE)) == (
        backing.name != "sqlite"
    )


def test_metrics_hold_nothing_about_any_user(site: Site) -> None:
    ada = site.member()
    sid = ada.session()["sid"]
    ada.sign_out()
    text = site.browser().get("/metrics").text
    assert sid not in text
    assert "ada" not in text


ON_A_FULL_DISK = """
import os, resource
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
room = lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, most))
{at_start}
from app.telemetry import metrics
if os.fork():
    os.wait()
else:
    room(0)
    metrics.count_event("while_it_is_full")
    room(most)
    metrics.count_event("afterwards")
    print(metrics.text().decode(), flush=True)
    os._exit(0)
"""


@pytest.mark.parametrize("at_start", ["room(0)", ""], ids=["full at the start", "full when a worker begins"])
def test_a_disk_without_room_for_the_counts_stops_no_process(at_start: str) -> None:
    code = ON_A_FULL_DISK.format(at_start=at_start)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert 'signed_out_security_events_total{event="afterwards"} 1.0' in run.stdout


TWO_EVENTS = """
import io, logging
from flask import Flask
from app.telemetry import security_log
{configured}
app, errors = Flask("site"), io.StringIO()
security_log.init_app(app)
with app.test_request_context(environ_overrides={{"wsgi.errors": errors}}):
    security_log.line("signed_in", user="ada", session=None)
security_log.line("account_deleted")
print(errors.getvalue(), end="")
"""


@pytest.mark.parametrize(
    ("configured", "to_server", "elsewhere"),
    [
        ("", ['{"event":"signed_in","user":"ada"}'], ['{"event":"account_deleted"}']),
        (
            "logging.basicConfig(format='own %(levelname)s %(message)s')",
            [],
            ['own INFO {"event":"signed_in","user":"ada"}', 'own INFO {"event":"account_deleted"}'],
        ),
    ],
    ids=["of the server", "of the operator"],
)
def test_a_security_event_is_one_line_of_the_servers_error_output_or_of_the_operators_own_logging(
    configured: str, to_server: list[str], elsewhere: list[str]
) -> None:
    code = TWO_EVENTS.format(configured=configured)
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    said = [re.sub(r',"at":\d+', "", text).splitlines() for text in (run.stdout, run.stderr)]
    assert said == [to_server, elsewhere]


def test_a_security_event_stops_nothing_where_there_is_no_error_output() -> None:
    code = TWO_EVENTS.format(configured="import sys; sys.stderr = None")
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (run.returncode, run.stdout.count("\n"), run.stderr) == (0, 1, "")
