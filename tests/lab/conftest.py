"""A visitor of the lab, who presses its buttons and presents tokens by hand."""

from dataclasses import dataclass
from typing import Any

import pytest

from app.db import db
from app.lab import bench, issuer
from app.lab.bench import Bench
from app.lab.designs import ALL, Token
from app.lab.resource import COOKIE, TIME
from app.lab.run import Pocket, Run
from tests.browsers import SITE_URL, Browser, Site


@dataclass
class Visitor:
    """Somebody at the experiment. *pocket*: the thief's copy."""

    site: Site
    browser: Browser
    pocket: Pocket | None = None

    def press(self, path: str, **form: str) -> None:
        answer = self.browser.post(f"/lab/{path}", **form)
        assert answer.status_code == 303, answer.text

    def sign_in_and_copy(self) -> None:
        self.press("sign-in")
        self.press("copy")
        self.pocket = self.run().copied

    def run(self) -> Run:
        """What the server keeps of the run."""
        with self.site.app.app_context():
            found = db.session.query(Bench).filter(Bench.id == self._bench()).one().read_run()
        assert found
        return found

    def now(self) -> int:
        with self.site.app.app_context():
            return issuer.now(self.run())

    def present(self, slug: str, token: str | None = None, at: int | None = None) -> dict[str, Any]:
        """Present the copied access token to the design *slug*, as anybody could from a shell."""
        assert self.pocket
        token = token or (self.pocket.access if ALL[slug].token is Token.JWT else self.pocket.opaque)
        headers = {"Authorization": f"Bearer {token}"} | ({TIME: str(at)} if at is not None else {})
        answer = self.site.app.test_client().get(f"/lab/api/{slug}", base_url=SITE_URL, headers=headers)
        found: dict[str, Any] = answer.get_json()
        assert answer.status_code == found["status"]
        return found

    def present_cookie(self) -> int:
        assert self.pocket
        headers = {"Cookie": f"{COOKIE}={self.pocket.cookie}"}
        return (
            self.site.app.test_client(use_cookies=False)
            .get("/lab/page", base_url=SITE_URL, headers=headers)
            .status_code
        )

    def present_refresh(self, token: str | None = None) -> int:
        assert self.pocket
        form = {"grant_type": "refresh_token", "refresh_token": token or self.pocket.refresh}
        return self.site.app.test_client().post("/lab/token", base_url=SITE_URL, data=form).status_code

    def _bench(self) -> str:
        return bench.name(self.browser.cookie("__Host-Http-lab") or "")


@pytest.fixture
def visitor(site: Site) -> Visitor:
    """Somebody who has just come to the lab."""
    return Visitor(site, site.browser())
