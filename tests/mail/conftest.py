"""A site with a mail server, and what comes there."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tests.browsers import Browser, Site
from tests.mail.server import Letter, Postbox


@pytest.fixture
def postbox() -> Iterator[Postbox]:
    found = Postbox()
    yield found
    found.down()


@dataclass
class Post:
    """A site whose mail comes to *box*."""

    site: Site
    box: Postbox

    def letters(self, address: str = "ada@example.org") -> list[Letter]:
        """Have due mail brought; return all that came to this address so far."""
        self.site.deliver()
        return self.box.to(address)

    def newest(self, address: str = "ada@example.org") -> Letter:
        return self.letters(address)[-1]

    def verified(self, email: str = "ada@example.org", label: str = "Firefox on Linux") -> Browser:
        """A browser in which a new member has signed up and verified the address."""
        browser = self.site.member(email, label)
        assert browser.post(self.newest(email).link).status_code == 303
        return browser

    def ask_recovery(self, email: str = "ada@example.org") -> str:
        """Say that the password is forgotten; return the link that came."""
        self.letters(email)
        assert self.site.browser().post("/recover", email=email).status_code == 303
        return self.newest(email).link


@pytest.fixture
def post(open_site: Callable[..., Site], postbox: Postbox) -> Post:
    return Post(open_site(SMTP_URL=postbox.url), postbox)
