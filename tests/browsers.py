"""A few verbs: a site, browsers that visit it, and a thief's pocket of copied cookies."""

import logging
import re
from html import unescape
from io import BytesIO
from pathlib import Path
from types import CodeType
from typing import Any

from click.testing import Result
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import text
from werkzeug.test import TestResponse

from app import create_app
from app.mail.outbox import Mail
from app.oauth.logout.messages import Message
from app.outbox.courier import Courier
from app.revocation.delivery import Delivery
from app.store.db import db
from tests import backings

SITE_URL = "http://localhost:8000"
PASSWORD = "plenty of violet otters"
AGENTS = {
    "Firefox on Linux": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
    "Safari on macOS": "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
    " Version/18.4 Safari/605.1.15",
    "Chrome on Android": "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko)"
    " Chrome/142.0.0.0 Mobile Safari/537.36",
}
ACCESS = "__Host-Http-access"
REFRESH = "__Host-Http-refresh"
RECEIPT = "__Host-Http-receipt"
ENDING = "__Host-Http-ending"
PROBE = "__Host-Http-probe"
MAIL = "__Host-Http-mail"

Pocket = dict[str, str]


class Compiled(BytecodeCache):
    """Templates, compiled once for all the sites of this process."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], CodeType | None] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        bucket.code = self._known.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._known[bucket.key, bucket.checksum] = bucket.code


COMPILED = Compiled()


class Site:
    """The site in this process, in its own instance folder."""

    def __init__(self, folder: Path, **environ: str) -> None:
        self.folder = folder
        self.app = create_app(
            {"INSTANCE_PATH": str(folder), "TEST_CONTROLS": "1", **backings.settings(folder), **environ}
        )
        self.app.jinja_env.bytecode_cache = COMPILED
        self._courier: Courier[Message] = self.app.extensions["courier"]
        self._postman: Courier[Mail] | None = self.app.extensions["postman"]
        for courier in filter(None, (self._courier, self._postman)):
            courier.close()  # nothing is sent before `deliver`

    def browser(self, label: str = "Firefox on Linux", *, address: str = "127.0.0.1") -> "Browser":
        """A browser that has never been here."""
        return Browser(self, label, address)

    def thief(self, pocket: Pocket, only: str | None = None) -> "Browser":
        """Another user's browser with copied cookies: all of them, or one."""
        browser = self.browser("Safari on macOS", address="203.0.113.66")
        for name, value in pocket.items():
            if only in (None, name):
                browser.client.set_cookie(name, value)
        return browser

    def member(self, email: str = "ada@example.org", label: str = "Firefox on Linux") -> "Browser":
        """A browser in which a new member has just signed up and is signed in."""
        browser = self.browser(label)
        browser.sign_up(email)
        return browser

    def run(self, *words: str, typed: str | None = None) -> Result:
        """Give `flask` these words, as the operator does in a shell."""
        return self.app.test_cli_runner().invoke(args=list(words), input=typed, catch_exceptions=False)

    def wait(self, seconds: int) -> None:
        """Move the clock of the site, and of every other node of it."""
        move_clock(self.folder, seconds)

    def deliver(self) -> None:
        """Tell apps what is due to be told, bring mail to its server, and wait until they have answered."""
        for courier in filter(None, (self._courier, self._postman)):
            courier.deliver_due()

    def impatient(self) -> None:
        """Give up at once where the database is locked, so that a test need not wait for it."""
        self.app.config["BUSY_SECONDS"] = 0

    def query(self, statement: str, **values: Any) -> list[Any]:
        """Look into the database."""
        with self.app.app_context(), db.engine.connect() as connection:
            return list(connection.execute(text(statement), values))

    def close(self) -> None:
        delivery: Delivery = self.app.extensions["delivery"]
        delivery.close()
        # The listeners of its engines hold the application: kept here, it would stay for good.
        for engine in db._app_engines.pop(self.app, {}).values():
            engine.dispose()
        logging.getLogger("signed_out").handlers.clear()


def move_clock(folder: Path, seconds: int) -> None:
    """Move the clock of the processes of this instance folder, forward or back."""
    file, draft = folder / "clock", folder / ".clock"
    draft.write_text(str((int(file.read_text()) if file.exists() else 0) + seconds))
    draft.replace(file)  # at once: no reader finds it half written


class Browser:
    """A browser that keeps cookies and has a user agent. *at*: where it finds the site."""

    at = SITE_URL

    def __init__(self, site: Site, label: str, address: str) -> None:
        self.client = site.app.test_client()
        insecure = site.app.extensions["settings"].insecure_cookies
        self.client.set_cookie("probe" if insecure else PROBE, "1")  # it has opened a page before it posts
        self._agent = AGENTS[label]
        self._address = address

    def get(self, path: str, **headers: str) -> TestResponse:
        return self._open("GET", path, None, headers)

    def head(self, path: str, **headers: str) -> TestResponse:
        return self._open("HEAD", path, None, headers)

    def post(self, path: str, _headers: dict[str, str] | None = None, **form: str) -> TestResponse:
        return self._open("POST", path, form, {"Origin": self.at, **(_headers or {})})

    def send(self, path: str, body: bytes, *, is_chunked: bool) -> TestResponse:
        """Post a form as bytes, with its length or, as a server hands over a chunked body, without one."""
        sent: dict[str, Any] = {"data": body}
        if is_chunked:
            sent = {"input_stream": BytesIO(body), "environ_overrides": {"wsgi.input_terminated": True}}
        return self.client.post(
            path,
            base_url=self.at,
            content_type="application/x-www-form-urlencoded",
            headers={"Origin": self.at},
            **sent,
        )

    def sign_up(self, email: str = "ada@example.org", password: str = PASSWORD, name: str = "Ada") -> TestResponse:
        return self.post("/sign-up", name=name, email=email, password=password)

    def sign_in(self, email: str = "ada@example.org", password: str = PASSWORD, **more: str) -> TestResponse:
        return self.post("/sign-in", email=email, password=password, **more)

    def sign_out(self) -> TestResponse:
        return self.post("/sign-out")

    def is_signed_in(self) -> bool:
        """Whether a page that needs a session opens."""
        return self.get("/account").status_code == 200

    def sessions(self) -> list[dict[str, Any]]:
        """The devices page, as programs get it."""
        listed: list[dict[str, Any]] = self.get("/devices", Accept="application/json").get_json()["sessions"]
        return listed

    def session(self) -> dict[str, Any]:
        """This browser's own line of it."""
        return next(line for line in self.sessions() if line["current"])

    def pocket(self) -> Pocket:
        """Copy the cookies that sign this browser in."""
        found = {name: self.client.get_cookie(name) for name in (ACCESS, REFRESH)}
        return {name: cookie.value for name, cookie in found.items() if cookie}

    def cookie(self, name: str) -> str | None:
        found = self.client.get_cookie(name)
        return found.value if found else None

    def forget(self, *names: str) -> None:
        """Lose cookies, as when they have run out."""
        for name in names:
            self.client.delete_cookie(name)

    def api(self, token: str) -> TestResponse:
        """Present an access token to the API, without cookies."""
        return self.client.get("/api/me", base_url=self.at, headers={"Authorization": f"Bearer {token}"})

    def _open(self, method: str, path: str, form: dict[str, str] | None, headers: dict[str, str]) -> TestResponse:
        return self.client.open(
            path,
            method=method,
            base_url=self.at,
            data=form,
            headers={"User-Agent": self._agent, "Accept": "text/html", **headers},
            environ_overrides={"REMOTE_ADDR": self._address},
            buffered=True,
        )


def form(browser: Browser, path: str, /, **fields: str) -> dict[str, str]:
    """Open a page, and fill in its form."""
    found = re.search(r'name="once" value="([^"]+)"', browser.get(path).text)
    assert found, path
    return {"once": found[1], **fields}


def words(page: str) -> str:
    """Return the words of a page, as one line."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page)).split())


def events(site: Site) -> list[str]:
    """Return the codes of all events, the oldest first."""
    return [event for (event,) in site.query("SELECT event FROM activity ORDER BY id")]
