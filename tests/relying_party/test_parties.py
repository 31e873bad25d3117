"""Sites in separate processes: when each of them refuses a token that was signed out, and what it does on silence."""

import pytest

from tests.browsers import ACCESS
from tests.relying_party.conftest import COOKIE, Attendee, World, until

pytestmark = [pytest.mark.server, pytest.mark.page]


def test_a_token_is_accepted_by_all_of_them(world: World, attendee: Attendee) -> None:
    found = {name: party.present(attendee.token) for name, party in world.parties.items()}
    assert {name: answer["status"] for name, answer in found.items()} == dict.fromkeys(found, 200)
    assert found["never"]["as_of"] is None
    assert {name: len(answer["look_ups"]) for name, answer in found.items()} == {
        "never": 0,
        "ask": 1,
        "poll": 0,
        "push": 0,
    }


@pytest.mark.question("A11")
def test_push_refuses_at_once_polling_at_the_next_poll_and_never_asking_never(world: World, attendee: Attendee) -> None:
    ended_at = attendee.sign_out()
    assert world["ask"].present(attendee.token)["status"] == 401
    for name in ("push", "poll"):
        *accepted, refused = world[name].until(attendee.token, 401)
        assert all(answer["status"] == 200 and answer["as_of"] <= ended_at for answer in accepted)
        assert refused["decided_by"] == "what it remembers"
        assert refused["look_ups"] == []
    assert world["never"].present(attendee.token)["status"] == 200


def test_a_message_that_is_lost_is_missed_soon_and_asked_about(world: World, attendee: Attendee) -> None:
    attendee.press("faults", fault="push")
    attendee.sign_out()
    *accepted, refused = world["push"].until(attendee.token, 401)
    assert {answer["decided_by"] for answer in accepted} == {"what it remembers"}, "nothing told it"
    assert (refused["decided_by"], refused["look_ups"]) == ("what the issuer answers", ["the issuer"])
    assert world["poll"].until(attendee.token, 401)[-1]["decided_by"] == "what it remembers"
    later = world.attendee()
    assert world["push"].until(later.token, 200, "remembers"), "it opened after what is missing"


def test_one_session_ends_alone_and_everywhere_means_all(world: World, attendee: Attendee) -> None:
    other = world.attendee()
    attendee.sign_out()
    for name in ("push", "poll"):
        world[name].until(attendee.token, 401)
        assert world[name].present(attendee.phone_token)["status"] == 200
    attendee = world.attendee()
    attendee.sign_out("all")
    for name in ("push", "poll"):
        world[name].until(attendee.phone_token, 401)
        assert world[name].present(attendee.token)["status"] == 401
        assert world[name].present(other.token)["status"] == 200


def test_a_session_that_opened_before_they_listened_is_asked_about(world: World, attendee: Attendee) -> None:
    claims = world.issuer.claims(attendee.token)
    first = world.sign(claims | {"opened": 0})
    for name in ("push", "poll"):
        assert world[name].present(first)["decided_by"] == "what the issuer answers"


def test_a_token_that_is_not_for_them_is_refused_by_all(world: World, attendee: Attendee) -> None:
    claims = world.issuer.claims(attendee.token)
    head, body, _ = attendee.token.split(".")
    bad = {
        "of the site itself": world.issuer.join("ada@example.org")[ACCESS],
        "forged": f"{head}.{body}.{'A' * 86}",
        "expired": world.sign(claims | {"exp": claims["iat"] - 1}),
        "for another": world.sign(claims | {"aud": world.issuer.url}),
        "by another": world.sign(claims | {"iss": "http://localhost:1"}),
        "another type": world.sign(claims, typ="JWT"),
        "another key": world.sign(claims, kid="x"),
        "without its session": world.sign({name: value for name, value in claims.items() if name != "sid"}),
        "with a text for a number": world.sign(claims | {"opened": "1"}),
        "nonsense": "x",
        "nothing": "",
    }
    found = {what: [party.present(token)["status"] for party in world.parties.values()] for what, token in bad.items()}
    assert found == {what: [401] * 4 for what in bad}


def test_a_token_from_another_log_is_refused_by_a_site_that_asks(world: World, attendee: Attendee) -> None:
    ahead = world.sign(world.issuer.claims(attendee.token) | {"opened": 10**9})
    assert world["ask"].present(ahead)["status"] == 401


def test_the_lab_shows_what_they_said_and_which_site_did_not_answer(world: World, attendee: Attendee) -> None:
    attendee.sign_out()
    world["push"].until(attendee.token, 401)
    attendee.press("replay")
    rows = attendee.run().parties
    assert [row.get("delivery") for row in rows] == ["never", "ask", "poll", "push", None]
    assert [rows[number]["status"] for number in (0, 1, 3)] == [200, 401, 401]
    assert rows[-1]["problem"] == "It does not answer."
    assert "In their own processes" in world.issuer.read("/lab", attendee.pocket)


def test_their_page_says_how_they_hear_and_of_how_many(world: World, attendee: Attendee) -> None:
    attendee.sign_out()
    world["push"].until(attendee.token, 401)
    for name, heading in (
        ("never", "This site never hears of a sign-out"),
        ("ask", "This site asks about each token"),
        ("push", "This site has heard of"),
    ):
        status, page, headers = world[name].get("/tokens")
        assert (status, page.count("<h1>")) == (200, 1)
        assert heading in page
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["Set-Cookie"] is None


def test_while_the_issuer_is_gone_no_site_guesses_and_what_was_ended_meanwhile_is_not_lost(world: World) -> None:
    ended, ended_later, goes_on = world.attendee(), world.attendee(), world.attendee()
    ended.sign_out()
    for name in ("push", "poll"):
        world[name].until(ended.token, 401)
    world.issuer.kill()
    assert world["ask"].present(goes_on.token)["status"] == 503
    for name in ("push", "poll"):
        *trusted, refused = world[name].until(goes_on.token, 503)
        assert {answer["status"] for answer in trusted} <= {200}
        assert refused["decided_by"] == "no answer"
        assert world[name].present(ended.token)["status"] == 503
    assert world["never"].present(goes_on.token)["status"] == 200
    with world.inside() as site:
        browser = site.browser()
        browser.client.set_cookie(COOKIE, ended_later.pocket[COOKIE])
        assert browser.post("/lab/sign-out", way="sign-out").status_code == 303
    world.issuer.start()
    for name in ("ask", "push", "poll"):
        for token in (ended_later.token, ended.token):
            answers = until(
                lambda name=name, token=token: world[name].present(token), lambda found: found["status"] == 401
            )  # type: ignore[misc]
            assert {answer["status"] for answer in answers} <= {401, 503}
        world[name].until(goes_on.token, 200)
    world["push"].until(ended_later.token, 401, "remembers")
