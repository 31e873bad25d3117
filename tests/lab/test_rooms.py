"""A workshop's rooms: which visitors may come in, under which name, and for how long."""

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from app.capacity.throttle import Quota
from app.config import DAY
from app.lab.rooms import page as rooms
from app.lab.rooms import room
from tests.browsers import SITE_URL, Site
from tests.workshop import Teacher

pytestmark = pytest.mark.sqlite
MARK = "<i>mark</i>"


@pytest.fixture
def teacher(site: Site) -> Teacher:
    return Teacher(site)


def test_a_teacher_opens_a_room_and_gets_a_code_a_link_and_a_qr_code(teacher: Teacher) -> None:
    page = teacher.browser.get(teacher.room).text
    assert re.fullmatch(rf"[{room.LETTERS}]{{3}}-[{room.LETTERS}]{{3}}", teacher.code)
    assert f'href="{SITE_URL}{teacher.room}/join"' in page
    assert re.search(r'<svg viewBox="0 0 (37|41) \1" class="qr">', page), "29 or 33 modules and the quiet zone"
    assert "style=" not in page
    assert "No one is here yet" in page
    assert "works on this machine only" in page


def test_the_link_is_for_the_network_where_the_site_is(instance: Path) -> None:
    lan = Site(instance, SITE_URL="http://192.0.2.1:8000", INSECURE_COOKIES="1", TEST_CONTROLS="0", WORKSHOP="1")
    teacher = Teacher(lan)
    page = teacher.browser.get(teacher.room).text
    assert f'href="http://192.0.2.1:8000{teacher.room}/join"' in page
    assert "works on this machine only" not in page
    lan.close()


def test_an_attendee_joins_and_every_page_of_the_lab_says_where_they_are(teacher: Teacher) -> None:
    ada = teacher.arrive("  Ada   Lovelace ")
    assert f'<bdi>Ada Lovelace</bdi>, in room <a href="{teacher.room}/join">{teacher.code}</a>' in ada.get("/lab").text
    assert "You are in" in ada.get(f"{teacher.room}/join").text
    assert "has not begun not yet tried" in teacher.row("Ada Lovelace")


def test_a_code_may_be_typed_in_any_case_and_without_its_hyphen(site: Site, teacher: Teacher) -> None:
    typed = teacher.code.lower().replace("-", " ")
    assert urlsplit(site.browser().get(f"/lab/rooms?code={typed}").location).path == f"{teacher.room}/join"


def test_a_closed_room_is_gone_for_all(teacher: Teacher) -> None:
    ada = teacher.arrive("Ada")
    assert teacher.browser.post(f"{teacher.room}/close").location == "/lab/rooms"
    assert teacher.browser.get(teacher.room).status_code == 404
    assert "There is no room with this code" in ada.get(f"{teacher.room}/join").text
    assert "in room" not in ada.get("/lab").text


@pytest.mark.parametrize("taken", ["Ada", "ada", " ADA ", "\uff21\uff44\uff41"])
def test_a_nickname_is_unique_in_its_room_in_any_case(site: Site, teacher: Teacher, taken: str) -> None:
    teacher.arrive("Ada")
    answer = site.browser().post(f"{teacher.room}/join", nickname=taken)
    assert answer.status_code == 422
    assert "has this nickname already" in answer.text
    assert answer.headers.getlist("Set-Cookie") == []
    Teacher(site, "another").arrive(taken)


def test_an_attendee_who_is_in_may_change_the_nickname_and_the_room(site: Site, teacher: Teacher) -> None:
    ada, other = teacher.arrive("Ada"), Teacher(site, "another")
    assert ada.post(f"{teacher.room}/join", nickname="ADA").status_code == 303
    assert "has not begun" in teacher.row("ADA")
    assert f"You leave room {teacher.code}." in ada.get(f"{other.room}/join").text
    ada.post(f"{other.room}/join", nickname="Ada")
    assert "You leave room" not in ada.get(f"{other.room}/join").text
    assert "No one is here yet" in teacher.board()
    assert "has not begun" in other.row("Ada")


@pytest.mark.parametrize("nickname", ["", "   ", "x" * 41, "a\x00b", "a\u202eb", "\u200b"])
def test_a_nickname_that_cannot_be_read_is_refused(site: Site, teacher: Teacher, nickname: str) -> None:
    answer = site.browser().post(f"{teacher.room}/join", nickname=nickname)
    assert answer.status_code == 422
    assert 'aria-invalid="true"' in answer.text


@pytest.mark.parametrize("name", ["", "  ", "x" * 81, "a\u202eb"])
def test_a_room_needs_a_name_that_can_be_read(site: Site, name: str) -> None:
    assert site.browser().post("/lab/rooms", name=name).status_code == 422


def test_markup_in_a_name_is_text_wherever_it_is_shown(site: Site) -> None:
    teacher = Teacher(site, MARK)
    ada = site.browser()
    ada.post(f"{teacher.room}/join", nickname=MARK)
    pages = [
        *(teacher.browser.get(path).text for path in (teacher.room, f"{teacher.room}/board", "/lab/rooms")),
        *(ada.get(path).text for path in ("/lab", f"{teacher.room}/join", f"/lab/rooms?code={MARK}")),
    ]
    assert all(MARK not in page and "&lt;i&gt;mark" in page for page in pages)


@pytest.mark.parametrize("path", ["", "/join", "/board"])
def test_an_unknown_code_is_said_where_it_can_be_typed_again(site: Site, path: str) -> None:
    answer = site.browser().get(f"/lab/rooms/QK7-F2M{path}")
    assert answer.status_code == 404
    assert "There is no room with this code" in answer.text
    assert site.browser().get("/lab/rooms/%00%ff").status_code == 404


def test_sixty_wrong_codes_from_one_address_are_all_and_keep_no_attendee_out_of_a_room(
    site: Site, teacher: Teacher
) -> None:
    classmate = site.browser()
    answers = [classmate.get("/lab/rooms?code=QK7-F2M").status_code for _ in range(61)]
    assert answers == [404] * 60 + [429]
    assert site.browser().get("/lab/rooms/QK7-F2M/join").status_code == 429
    assert site.browser(address="203.0.113.9").get("/lab/rooms?code=QK7-F2M").status_code == 404
    late = teacher.arrive("Late")
    assert late.get(f"/lab/rooms?code={teacher.code}").status_code == 302
    assert teacher.browser.get(f"{teacher.room}/board").status_code == 200


def test_an_address_opens_so_many_rooms_and_no_more(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rooms, "openings", Quota("rooms, few", "2 per 1 hour"))
    answers = [site.browser(address="203.0.113.8").post("/lab/rooms", name="x") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert "Too much has come from your network" in answers[-1].text
    assert site.browser(address="203.0.113.9").post("/lab/rooms", name="x").status_code == 303


def test_a_room_holds_so_many_and_no_more(site: Site, teacher: Teacher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "MOST_ATTENDEES", 2)
    ada = teacher.arrive("Ada")
    teacher.arrive("Bob")
    answer = site.browser().post(f"{teacher.room}/join", nickname="Cy")
    assert answer.status_code == 422
    assert "This room is full" in answer.text
    assert ada.post(f"{teacher.room}/join", nickname="Ada L.").status_code == 303


def test_a_room_is_kept_for_a_fortnight(site: Site, teacher: Teacher) -> None:
    ada = teacher.arrive("Ada")
    site.wait(14 * DAY - 1)
    assert teacher.browser.get(teacher.room).status_code == 200
    site.wait(1)
    assert teacher.browser.get(teacher.room).status_code == 404
    assert "in room" not in ada.get("/lab").text
    assert "opened" not in teacher.browser.get("/lab/rooms").text
    Teacher(site)
    assert site.query("SELECT count(*) FROM lab_rooms")[0][0] == 1


def test_without_a_workshop_there_are_no_rooms(instance: Path) -> None:
    site = Site(instance, WORKSHOP="0")
    browser = site.browser()
    assert browser.get("/lab/rooms").status_code == 404
    assert browser.post("/lab/rooms", name="x").status_code == 404
    assert browser.get("/lab/rooms/QK7-F2M/join").status_code == 404
    assert "/lab/rooms" not in browser.get("/lab").text
    site.close()
