"""What an act reads of a site with a million sessions, by the statistics that such a site has."""

import sqlite3
from pathlib import Path

import pytest

from tests import backings, plans
from tests.browsers import Site
from tests.oauth.conftest import App, web
from tests.oauth.flow import Flow

__all__ = ["web"]  # a fixture
pytestmark = pytest.mark.sqlite  # PostgreSQL's statistics are made by the server
ACCESS_SECONDS = 300
SCOPE = "openid offline_access"
LARGE = ("sessions", "refresh_tokens", "users", "log_entries", "log_leaves")
VERBS = "SELECT", "UPDATE", "DELETE", "WITH"


def grow(folder: Path, rows: int) -> None:
    """Have SQLite take the large tables for so large, as the site itself lets it know: it looks at a thousand rows of each
    index, and says nothing of a partial index that is small, or of a table that has no other."""
    with backings.shell(folder) as raw:
        assert isinstance(raw, sqlite3.Connection)
        raw.execute("ANALYZE")
        raw.execute("DELETE FROM sqlite_stat1")
        for table in LARGE:
            for _, name, is_unique, _, is_partial in raw.execute(f"PRAGMA index_list({table})").fetchall():
                columns = len(raw.execute(f"PRAGMA index_info({name})").fetchall())
                each = ["1001"] * (columns - is_unique) + ["1"] * is_unique
                if not is_partial:
                    raw.execute(
                        "INSERT INTO sqlite_stat1 VALUES (?, ?, ?)", (table, name, " ".join([str(rows), *each]))
                    )


def use(site: Site, web: App) -> None:
    """Do what users and apps do, and end sessions in each way."""
    ada = site.member()
    phone, tablet = site.browser("Chrome on Android"), site.browser("Safari on macOS")
    for other in (phone, tablet):
        other.sign_in()
    tokens = Flow(web, scope=SCOPE).connect(ada)
    Flow(web, scope=SCOPE).connect(phone)
    for path in ("/", "/account", "/devices", "/activity"):
        assert ada.get(path).status_code == 200
    renewed = web.refresh(tokens["refresh_token"]).get_json()
    for token in (renewed["access_token"], renewed["refresh_token"]):
        assert web.post("/oauth/introspect", token=token).get_json()["active"]
    assert web.revoke(renewed["refresh_token"]).status_code == 200
    assert phone.sign_out().status_code == 303
    assert ada.post("/devices/end-others").status_code == 303
    site.wait(ACCESS_SECONDS)
    assert ada.get("/account").status_code == 200, "by a renewed token"
    assert ada.sign_out().status_code == 303


def test_no_act_reads_a_large_table_from_end_to_end(site: Site, web: App) -> None:
    with plans.noting(site, *VERBS) as asked:
        use(site, web)
    assert len(asked) > 100
    grow(site.folder, 1_000_000)
    statements = dict(asked)
    for statement, plan in plans.explain(site.folder, [*statements.items()]):
        scans = [line for line in plan.splitlines() if line.startswith("SCAN") and line.split()[1] in LARGE]
        assert not scans, f"{statement}\n{plan}"
