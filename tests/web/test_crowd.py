"""A crowd that signs in: passwords are checked a few at a time, and other users go on."""

import threading
import time

import pytest

from app.capacity.admission import Queue
from app.store.db import db
from tests.browsers import PASSWORD, Browser, Site


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def _crowd(site: Site, ada: Browser) -> None:
    """No password can be checked: the line is full."""
    site.app.extensions["admission"]["passwords"] = Queue("passwords", at_once=1, length=0)


@pytest.mark.usefixtures("_crowd")
def test_a_visitor_who_finds_the_queue_full_is_told_when_to_come_back(site: Site) -> None:
    visitor = site.browser()
    for answer in (visitor.sign_in(), visitor.sign_up("eve@example.org")):
        assert answer.status_code == 503
        assert int(answer.headers["Retry-After"]) > 0
        assert "Many people are signing in" in answer.text


@pytest.mark.usefixtures("_crowd")
def test_a_user_who_is_signed_in_goes_on_and_can_sign_out(ada: Browser) -> None:
    assert ada.is_signed_in()
    assert ada.post("/confirm", password=PASSWORD).status_code == 503
    assert ada.sign_out().status_code == 303
    assert not ada.is_signed_in()


def test_being_sent_away_is_not_counted_as_a_wrong_password(site: Site, ada: Browser) -> None:
    lines = site.app.extensions["admission"]
    line, lines["passwords"] = lines["passwords"], Queue("passwords", at_once=1, length=0)
    visitor = site.browser()
    assert {visitor.sign_in().status_code for _ in range(20)} == {503}
    lines["passwords"] = line
    assert visitor.sign_in().status_code == 303


@pytest.mark.stores("connections")
def test_a_request_that_waits_for_a_turn_holds_no_connection_to_the_database(site: Site, ada: Browser) -> None:
    line = site.app.extensions["admission"]["passwords"] = Queue("passwords", at_once=1, length=9)
    with site.app.app_context(), line.turn():
        waiting = [threading.Thread(target=site.browser().sign_in) for _ in range(8)]
        for thread in waiting:
            thread.start()
        for _ in range(1000):  # until all eight are inside and have let go
            if line.inside == 9 and not db.engine.pool.checkedout():  # type: ignore[attr-defined]
                break
            time.sleep(0.01)
        else:
            pytest.fail("a connection is held")
        assert ada.is_signed_in()
    for thread in waiting:
        thread.join()
