"""The site beside what others build on: `make bench-peers`. Processor time and rate, as ratios, in one run.

Each peer is set up as its documentation recommends, with one process that answers. What leads to a code or a session is
not measured. ROUNDS changes how often each act is measured in turn.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from urllib.parse import urlsplit

from tests.backings import PostgreSQL, Redis, redis_server
from tests.bench.acts import running
from tests.bench.arms import Arm, measure, rate_ratio, ratio, rows
from tests.bench.peers import servers
from tests.bench.peers.servers import Peer
from tests.bench.report import fill, table
from tests.forking import PROJECT

_OIDC, _IN_MEMORY = "node-oidc-provider", "node-oidc-provider, nothing on a disk"
ROUNDS = int(os.environ.get("ROUNDS", "9"))
# An act of the site, by its name and backing, and the peers that do the same.
PAIRS = (
    ("check", "sqlite", ("Flask-JWT-Extended", "Flask-Security", "better-auth")),
    ("account", "sqlite", ("Flask-Security",)),
    ("devices", "sqlite", ("better-auth",)),
    ("app refresh", "sqlite", (_OIDC, _IN_MEMORY, "django-oauth-toolkit")),
    ("app refresh", "postgresql", (_OIDC, "django-oauth-toolkit on PostgreSQL")),
    ("code", "sqlite", (_OIDC, _IN_MEMORY, "django-oauth-toolkit")),
    ("code", "postgresql", (_OIDC, "django-oauth-toolkit on PostgreSQL")),
    ("introspection", "sqlite", (_OIDC, "django-oauth-toolkit")),
    ("revocation", "sqlite", (_OIDC, _IN_MEMORY, "django-oauth-toolkit")),
    ("revocation", "postgresql", (_OIDC, "django-oauth-toolkit on PostgreSQL")),
    ("sign out", "sqlite", ("Flask-Security", "better-auth")),
)


def main() -> None:
    folder, database = (
        Path(tempfile.mkdtemp()),
        PostgreSQL(durable=True),
    )  # the site's requests to itself are not counted
    try:
        with ExitStack() as stack:
            ours = {name: stack.enter_context(running(name)).arms() for name in ("sqlite", "postgresql")}
            peers = {peer.name: peer for peer in map(stack.enter_context, _peers(folder, database))}
            _compare(ours, peers)
    finally:
        shutil.rmtree(folder)


def _peers(folder: Path, database: PostgreSQL) -> list[AbstractContextManager[Peer]]:
    redis = redis_server()
    toolkit, better = (_make(database, name) for name in ("toolkit", "better"))
    file = {"ENGINE": "django.db.backends.sqlite3", "NAME": f"{folder}/toolkit.db"}
    return [
        servers.jwt_extended(redis),
        servers.security(folder),
        servers.oidc(_OIDC, Redis(durable=True)),
        servers.oidc(_IN_MEMORY, redis),
        servers.toolkit("django-oauth-toolkit", file),
        servers.toolkit("django-oauth-toolkit on PostgreSQL", _django(toolkit), database.pid),
        servers.better(database, better),
    ]


def _make(database: PostgreSQL, name: str) -> str:
    database.execute(f"CREATE DATABASE {name}")
    return database.url(name)


def _django(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    where = {"HOST": str(parts.hostname), "PORT": str(parts.port), "USER": str(parts.username)}
    return {"ENGINE": "django.db.backends.postgresql", "NAME": parts.path[1:], **where}


def _compare(ours: dict[str, dict[str, Arm]], peers: dict[str, Peer]) -> None:
    pairs = [(_of(ours, act, backing), [peers[name].arms[act] for name in names]) for act, backing, names in PAIRS]
    arms = list({arm.name: arm for one, others in pairs for arm in (one, *others)}.values())
    measure(arms, ROUNDS)
    table(f"Medians of {ROUNDS} rounds, in which all take turns, and their range", _ratios(pairs))
    table("In numbers", rows(arms))
    fill(PROJECT / "docs" / "performance.md", "bench-peers")


def _ratios(pairs: list[tuple[Arm, list[Arm]]]) -> Iterator[str]:
    yield "| our act / a peer’s | processor time | rate |"
    yield "| --- | --- | --- |"
    for one, others in pairs:
        for other in others:
            name = other.name.partition(": ")[2]
            yield f"| {one.name} / {name} | {ratio(one, other)} | {rate_ratio(one, other)} |"


def _of(ours: dict[str, dict[str, Arm]], act: str, backing: str) -> Arm:
    arm = ours[backing][act]
    arm.name = f"{act}, on {'SQLite' if backing == 'sqlite' else 'PostgreSQL'}"
    return arm


if __name__ == "__main__":
    main()
