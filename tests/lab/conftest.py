"""A visitor of the lab, who presses its buttons and presents tokens by hand."""

from dataclasses import dataclass
from typing import Any

import pytest

from app.lab import player, visitors
from app.lab.player import Stage
from app.lab.resource import BOUND, COOKIE, TIME
from app.lab.run import Run
from app.store.db import db
from tests.browsers import SITE_URL, Browser, Site


@dataclass
class Visitor:
    """A visitor at the experiment."""

    site: Site
    browser: Browser

    def press(self, path: str, **form: str) -> None:
        answer = self.browser.post(f"/lab/{path}", **form)
        assert answer.status_code == 303, answer.text

    def sign_in_and_copy(self) -> None:
        self.press("sign-in")
        self.press("copy")

    def run(self) -> Run:
        """What the server keeps of the run."""
        with self.site.app.app_context():
            found = db.session.query(visitors.Visitor).filter(visitors.Visitor.id == self._id()).one().read_run()
        assert found
        return found

    def stage(self, slug: str = "expiry") -> Stage:
        """The run, played to one design."""
        return self.run().play(player.find(slug))

    def held(self, slug: str = "expiry", whose: str = "thief") -> dict[str, Any]:
        return self.stage(slug).held[whose]

    def present(self, slug: str, token: str | None = None, at: int | None = None) -> dict[str, Any]:
        """Present what was copied to the design *slug*, as a program could from a shell."""
        held = self.held(slug)
        headers = {"Authorization": f"Bearer {token or held['access']}"} | ({TIME: str(at)} if at is not None else {})
        if "proof" in held:
            headers["Cookie"] = f"{BOUND}={held['proof'][0]}"
        answer = self._client().get(f"/lab/api/{slug}", base_url=SITE_URL, headers=headers)
        found: dict[str, Any] = answer.get_json()
        assert answer.status_code == found["status"]
        return found

    def present_cookie(self) -> int:
        headers = {"Cookie": f"{COOKIE}={self.held()['cookie']}"}
        return self._client().get("/lab/page", base_url=SITE_URL, headers=headers).status_code

    def present_refresh(self, token: str | None = None) -> int:
        form = {"grant_type": "refresh_token", "refresh_token": token or self.held()["refresh"]}
        return self._client().post("/lab/token", base_url=SITE_URL, data=form).status_code

    def _client(self) -> Any:
        return self.site.app.test_client(use_cookies=False)

    def _id(self) -> str:
        return visitors.name(self.browser.cookie("__Host-Http-lab") or "")


@pytest.fixture
def visitor(site: Site) -> Visitor:
    """A visitor who has just come to the lab."""
    return Visitor(site, site.browser())
