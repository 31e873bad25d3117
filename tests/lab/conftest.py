"""A visitor of the lab, who presses its buttons and presents tokens by hand."""

from dataclasses import dataclass
from typing import Any

import pytest

from app.lab import player, visitors
from app.lab.player import Stage
from app.lab.resource import BOUND
from app.lab.run import Run
from app.store.db import db, writing
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

    def go_to(self, second: int) -> None:
        """Move the run's clock to a second since it began, on or back."""
        run = self.run()
        run.now = second
        with self.site.app.app_context(), writing():
            db.session.get_one(visitors.Visitor, self._id()).run = run.to_json()

    def present(self, slug: str, token: str | None = None) -> dict[str, Any]:
        """Present what was copied to the design *slug*, as a program could from a shell."""
        held = self.held(slug)
        headers = {"Authorization": f"Bearer {token or held['access']}"}
        if "proof" in held:
            headers["Cookie"] = f"{BOUND}={held['proof'][0]}"
        client = self.site.app.test_client(use_cookies=False)
        answer = client.get(f"/lab/api/{slug}", base_url=SITE_URL, headers=headers)
        found: dict[str, Any] = answer.get_json()
        assert answer.status_code == found["status"]
        return found

    def _id(self) -> str:
        return visitors.name(self.browser.cookie("__Host-Http-lab") or "")


@pytest.fixture
def visitor(site: Site) -> Visitor:
    """A visitor who has just come to the lab."""
    return Visitor(site, site.browser())
