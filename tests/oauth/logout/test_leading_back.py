"""A user who signs out at an app's request is led back once the apps were told; one that hangs delays no user."""

import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.browsers import SITE_URL, Browser, Site
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow
from tests.oauth.logout.conftest import Party
from tests.server import Server

pytestmark = pytest.mark.server
BYE = "https://web.example/bye"


@pytest.fixture
def patient(instance: Path) -> Iterator[Server]:
    """A server that would wait for a minute, however busy the machine is."""
    running = Server(instance, SITE_URL=SITE_URL, MAX_STALENESS_SECONDS="60")
    yield running
    running.stop()


@pytest.fixture
def wish(site: Site, ada: Browser) -> str:
    """Where an app sends Ada's browser, so that it comes back signed out."""
    token = Flow(register_app(site, "Web", post_logout_redirect_uris=[BYE])).connect(ada)["id_token"]
    return f"/oauth/end-session?{urlencode({'id_token_hint': token, 'post_logout_redirect_uri': BYE})}"


def answers(server: Server) -> list[tuple[str | None]]:
    return [(answer,) for (answer,) in server.query("SELECT answer FROM logout_messages")]


def test_rpl_04_every_app_has_answered_when_the_browser_is_led_back(
    patient: Server, ada: Browser, mail: Party, notes: Party, wish: str
) -> None:
    grants = [party.connect(ada) for party in (mail, notes)]
    status, _ = patient.ask("POST", wish, ada.pocket(), decision="sign-out")
    assert (status, answers(patient)) == (303, [("HTTP 200",)] * 2)
    assert [*mail.sink.sids, *notes.sink.sids] == [grant.sid for grant in grants]


def test_an_app_that_hangs_delays_no_other(server: Server, ada: Browser, mail: Party, wish: str) -> None:
    grant, back = mail.connect(ada), threading.Event()
    mail.sink.first = lambda: back.wait(60)
    try:
        status, _ = server.ask("POST", wish, ada.pocket(), decision="sign-out")
        assert (status, answers(server)) == (303, [(None,)])
        assert mail.sink.wait().claims["sid"] == grant.sid
    finally:
        back.set()
    assert server.api(grant.access) == 401, "what it holds is worthless all the same"


def test_for_an_app_that_is_down_one_try_is_waited_for(patient: Server, ada: Browser, mail: Party, wish: str) -> None:
    mail.connect(ada)
    mail.sink.down()
    status, _ = patient.ask("POST", wish, ada.pocket(), decision="sign-out")
    assert (status, answers(patient)) == (303, [("no connection",)])
