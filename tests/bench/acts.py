"""The site as `make run` starts it, with one worker, and each of its acts as an arm."""

import itertools
import json
import shutil
import tempfile
from base64 import b64encode
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import jwt

from app.identity import grant, refresh_token, session_row, users
from app.identity.browsers import Browser
from app.identity.proof import Proof
from app.identity.session import Session
from app.store.db import db, writing
from tests.backings import Backing, PostgreSQL
from tests.bench.arms import Act, Arm, again, flooding
from tests.bench.line import AGENT, Asked, Line, carrying, get, post
from tests.browsers import ACCESS, RECEIPT, REFRESH, SITE_URL, Pocket, Site
from tests.load import FORM
from tests.oauth.flow import CALLBACK, challenge
from tests.server import Server

PAGES = {"home": "/", "account": "/account", "devices": "/devices"}
SESSIONS = 10  # of the user whose devices page is looked at
_VERIFIER = "v" * 43
_SCOPE = "openid profile email"


class Acts:
    """A running site, a user with ten sessions, and an app. Unmeasured preparation bypasses the server: *site* is the
    same one in this process."""

    def __init__(self, server: Server, stores: list[int], url: str) -> None:
        self.server, self._stores = server, stores
        self.site = Site(server.folder, SITE_URL=url, TEST_CONTROLS="0")
        self._numbers = itertools.count()
        self.line = Line(server.port)
        said = server.run("clients", "add", "Bench", "--redirect-uri", CALLBACK, "--scope", _SCOPE, "--json")
        self._app = json.loads(said)
        self.ada = self.join()
        for _ in range(SESSIONS - 1):
            self._begin("ada@example.org")

    @property
    def servers(self) -> list[int]:
        """Return the first process of the site, and that of each store."""
        return [self.server.pid, *self._stores]

    def restart(self) -> None:
        """Start the server after it was stopped."""
        self.server.start()
        self.line.close()

    def run(self, *words: str) -> None:
        """Run a `flask` command in this process."""
        answer = self.site.run(*words)
        if answer.exit_code:
            raise SystemExit(answer.output)

    def arms(self) -> dict[str, Arm]:
        """Return every act by its name. Pages are asked for with good cookies, as nearly always."""
        found = {"check": flooding("check", self.servers, self.server.port, self.check())}
        asked = {"live": self.live(self.ada)} | {name: get(path, **carrying(self.ada)) for name, path in PAGES.items()}
        found |= {name: self._arm(name, again(partial(self.line.ask, what))) for name, what in asked.items()}
        chains: dict[str, Callable[[int], Iterable[Act]]] = {
            "refresh": self._refreshes,
            "app refresh": self._app_refreshes,
            "sign out": self._sign_outs,
            "code": self._codes,
            "introspection": self._introspections,
            "revocation": self._revocations,
        }
        return found | {name: self._arm(name, ready) for name, ready in chains.items()}

    def check(self) -> Asked:
        return get("/api/me", **self.bearer(self.ada))

    def join(self) -> Pocket:
        """Return a new user with one session."""
        number = next(self._numbers)
        return self._begin(f"ada-{number}@example.org" if number else "ada@example.org")

    def close(self) -> None:
        self.site.close()
        self.line.close()

    def bearer(self, pocket: Pocket) -> dict[str, str]:
        return {"Authorization": f"Bearer {pocket[ACCESS]}"}

    def _arm(self, name: str, ready: Callable[[int], Iterable[Act]]) -> Arm:
        return Arm(name, self.servers, ready)

    def live(self, pocket: Pocket) -> Asked:
        return get(f"/live?session={_sid(pocket)}&at=/devices", 204, **carrying(pocket))

    def _refreshes(self, count: int) -> Iterable[Act]:
        return [self.refreshing(self.join())] * count

    def refreshing(self, pocket: Pocket) -> Act:
        """Be a browser whose access token is always missing. It uses the last answer's refresh token."""
        held = {name: value for name, value in pocket.items() if name != ACCESS}

        def act() -> None:
            found = self.line.ask(get("/account/name", **carrying(held))).cookies
            held[REFRESH] = found[REFRESH]

        return act

    def _app_refreshes(self, count: int) -> Iterator[Act]:
        form = {"grant_type": "refresh_token", "refresh_token": self._grant().refresh}

        def act() -> None:
            form["refresh_token"] = self.line.ask(self._post("/oauth/token", form)).json["refresh_token"]

        yield from itertools.repeat(act, count)

    def _codes(self, count: int) -> Iterator[Act]:
        for code in [self._code() for _ in range(count)]:
            form = {"grant_type": "authorization_code", "code": code, "code_verifier": _VERIFIER}
            yield partial(self.line.ask, self._post("/oauth/token", form | {"redirect_uri": CALLBACK}))

    def _introspections(self, count: int) -> Iterable[Act]:
        return [partial(self.line.ask, self._post("/oauth/introspect", {"token": self._grant().access}))] * count

    def _revocations(self, count: int) -> Iterator[Act]:
        for token in [self._grant().refresh for _ in range(count)]:
            yield partial(self.line.ask, self._post("/oauth/revoke", {"token": token}))

    def _sign_outs(self, count: int) -> Iterator[Act]:
        """Press Sign Out on a page, as a browser does, and look at the receipt. The page is not part of it."""

        def act(pocket: Pocket, form: dict[str, str]) -> None:
            given = self.line.ask(post("/sign-out", form, 303, **carrying(pocket))).cookies
            self.line.ask(get("/signed-out", **carrying({RECEIPT: given[RECEIPT]})))

        yield from [partial(act, pocket, self._form(pocket)) for pocket in [self.join() for _ in range(count)]]

    def _form(self, pocket: Pocket) -> dict[str, str]:
        """Return what the forms of this browser's account page send."""
        found = FORM.search(self.line.ask(get("/account", **carrying(pocket))).body)
        assert found
        return {"once": found[1].decode()}

    def _post(self, path: str, form: dict[str, str]) -> Asked:
        name = b64encode(f"{self._app['client_id']}:{self._app['client_secret']}".encode()).decode()
        return post(path, form, Authorization=f"Basic {name}")

    def _code(self) -> str:
        """Have a new user allow the app in."""
        pocket = self.join()
        asked = {
            "response_type": "code",
            "client_id": self._app["client_id"],
            "redirect_uri": CALLBACK,
            "scope": _SCOPE,
        }
        asked |= {"state": "s", "nonce": "n", "code_challenge": challenge(_VERIFIER), "code_challenge_method": "S256"}
        query = post("", asked).body
        sent = {"decision": "allow", "sid": _sid(pocket)}
        answer = self.line.ask(post(f"/oauth/authorize?{query}", sent, 303, **carrying(pocket)))
        return parse_qs(urlsplit(answer.header("Location")).query)["code"][0]

    def _grant(self) -> refresh_token.Tokens:
        """Return the app's tokens."""
        with self.site.app.test_request_context(base_url=SITE_URL), writing():
            browser = session_row.of(self._start(f"app-{next(self._numbers)}@example.org"))
            proof = Proof(browser.last_auth_at, browser.amr)
            session = grant.find(browser, self._app["client_id"], _SCOPE, proof).take()
            return refresh_token.give(session, _SCOPE, proof)

    def _begin(self, email: str) -> Pocket:
        with self.site.app.test_request_context(base_url=SITE_URL), writing():
            tokens = refresh_token.issue(self._start(email))
            db.session.flush()
            return {ACCESS: tokens.access, REFRESH: tokens.refresh}

    def _start(self, email: str) -> Session:
        user = users.find(email) or users.sign_up(email, "Ada", "x")
        assert user is not None
        return Session.start(user, Browser(AGENT, "127.0.0.1"), keep=True)


def _sid(pocket: Pocket) -> str:
    return str(jwt.decode(pocket[ACCESS], options={"verify_signature": False})["sid"])


@cache
def database() -> PostgreSQL:
    return PostgreSQL(durable=True)


@contextmanager
def running(backing: str = "sqlite", workers: int = 1, **environ: str) -> Iterator[Acts]:
    """Serve the site on one of the backings, as its users have it: without test controls."""
    base, place = Path(tempfile.mkdtemp()), Backing(backing, None if backing == "sqlite" else database())
    folder = base / "instance"
    folder.mkdir(mode=0o700)
    place.furnish(folder)
    server = Server(folder, anew=True, WORKERS=str(workers), TEST_CONTROLS="0", **environ)
    acts = Acts(server, _stores(place), environ.get("SITE_URL", server.url))
    try:
        yield acts
    finally:
        acts.close()
        server.stop()
        place.remove(folder)
        shutil.rmtree(base)


def _stores(place: Backing) -> list[int]:
    """Return the first process of each store."""
    if place.name == "sqlite":
        return []
    return [place.server.pid, place.redis.pid] if place.name == "redis" else [place.server.pid]
