"""A copy of all that is kept about a person: it has everything but secrets, and its schema says what it has."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest

from app.identity import erasure
from app.identity.users import User
from app.web import export
from tests.browsers import PASSWORD, Browser, Site, form
from tests.oauth.logout.conftest import Party, party
from tests.oauth.logout.sink import Sink
from tests.web.own_data import EMAIL, HOME, LAPTOP, NAME, TRAIN, Life

pytestmark = pytest.mark.page
STEP_UP = 600


@pytest.fixture
def app(site: Site) -> Iterator[Party]:
    sink = Sink()
    yield party(site, "Mail", sink)
    sink.down()


@pytest.fixture
def ada(site: Site, app: Party) -> Life:
    return Life.of(site, app)


def copy(browser: Browser) -> dict[str, Any]:
    found: dict[str, Any] = browser.get("/account/export").get_json()
    return found


def test_every_column_of_every_row_of_a_person_is_in_the_copy_or_left_out_for_a_reason() -> None:
    parts = {part.model.__table__.name: part for part in export.PARTS}
    for table in [User.__table__, *erasure.tables()]:
        if table.name in export.LEFT_OUT:
            continue
        part = parts.pop(table.name)
        decided = part.fields.keys() | part.secret.keys()
        assert {*table.c.keys()} <= decided, f"{table.name}: {set(table.c.keys()) - decided}"
        assert not part.fields.keys() & part.secret.keys()
        assert {*part.secret} <= {*table.c.keys()}
    assert not parts, "a part of no table"
    assert export.LEFT_OUT.keys() <= {table.name for table in erasure.tables()}


@pytest.mark.stores("what is read of every table")
def test_the_copy_is_as_its_schema_says(site: Site, ada: Life) -> None:
    schema = site.browser().get("/account/export/schema").get_json()
    found = copy(ada.laptop)
    assert found["$schema"] == schema["$id"]
    validator = jsonschema_rs.validator_for(schema, validate_formats=True)
    validator.validate(found)
    assert not validator.is_valid(found | {"more": 1})
    assert not validator.is_valid(found | {"made_at": "yesterday"})


def test_the_copy_has_what_the_pages_show(ada: Life) -> None:
    answer = ada.laptop.get("/account/export")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="signed-out-account.json"'
    assert "no-store" in answer.headers["Cache-Control"]
    found = answer.get_json()
    [account] = found["account"]
    assert (account["email"], account["name"], account["id"]) == (EMAIL, NAME, ada.id)
    assert {session["id"] for session in found["sessions"]} == ada.sids
    assert LAPTOP in {session["name"] for session in found["sessions"]}
    assert {HOME, TRAIN} <= {session["address"] for session in found["sessions"]} | {
        event["address"] for event in found["activity"]
    }
    assert {"signed_up", "signed_in", "sign_in_failed", "confirmed", "data_exported"} <= {
        event["event"] for event in found["activity"]
    }
    assert len(found["consents"]) == 1
    assert found["known_places"]
    assert {message["session_id"] for message in found["messages_to_apps"]} <= ada.sids


def test_the_copy_has_no_secret_in_it_and_no_hash_of_one(site: Site, ada: Life) -> None:
    text = ada.laptop.get("/account/export").text
    hashes = [row[0] for row in site.query("SELECT password_hash FROM users")]
    hashes += [bytes(row[0]).hex() for row in site.query("SELECT hash FROM refresh_tokens")]
    hashes += [bytes(row[0]).hex() for row in site.query("SELECT hash FROM authorization_codes")]
    tokens = [*ada.laptop.pocket().values(), *ada.phone.pocket().values(), ada.app.access, ada.lasting.refresh]
    assert len(hashes) > 5
    for secret in [*hashes, *tokens, PASSWORD]:
        assert secret not in text


def test_it_asks_for_the_password_where_the_last_proof_is_old_and_then_offers_the_copy(site: Site, ada: Life) -> None:
    site.wait(STEP_UP)
    thief = site.thief(ada.laptop.pocket())
    assert "Confirm that it is you" in ada.laptop.get("/account/data").text
    for browser in (ada.laptop, thief):
        assert browser.get("/account/export").location == "/confirm?next=/account/data"
    done = ada.laptop.post("/confirm", **form(ada.laptop, "/confirm", password=PASSWORD, next="/account/data"))
    assert done.location == "/account/data"
    assert "Download the copy" in ada.laptop.get("/account/data").text
    assert ada.laptop.get("/account/export").status_code == 200
    assert thief.get("/account/export").status_code == 303


def test_a_visitor_and_another_person_get_nothing_of_it(site: Site, ada: Life) -> None:
    assert site.browser().get("/account/export").location == "/sign-in?next=/account/export"
    eve = site.member("eve@example.org")
    text = eve.get(f"/account/export?user={ada.id}").text
    assert ada.id not in text
    assert EMAIL not in text


def test_the_owner_reads_that_a_copy_was_taken(ada: Life) -> None:
    copy(ada.laptop)
    assert "A copy of your data was downloaded" in ada.phone.get("/activity").text
