"""A name is kept as a person means it, and what is refused is named."""

import json
import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from app import names
from tests.browsers import Browser, Site

KEPT = [
    "Ada",
    "Ada O’Neill-Łukasiewicz, Jr.",
    "Zoë",
    "山田太郎",
    "葛\U000e0100城",  # the very form of a letter that a family uses
    "\u0639\u0644\u06cc\u200c\u0631\u0636\u0627",  # Persian: the joiner keeps two letters apart
    "محمد\u200cحسین",  # and is typed between two names, where they are apart already
    "مُ\u200cحَمّد",  # through the marks on the letters
    "അന്\u200dസാര്\u200d",  # Malayalam: a letter that only a joiner makes
    "നന്\u200cമ",
    "ක්\u200dරිස්ටි",  # Sinhala
    "র\u200d্যাচেল",  # Bengali: before the sign, not after it
    "अद्\u200dभुत",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466",  # a family: one picture of seven characters
    "Kim \U0001f3f3\ufe0f\u200d\U0001f308",
    "\U0001f9d1\U0001f3fd\u200d\U0001f680",
    "\u2764\ufe0f\u200d\U0001f525",
    "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f",
    "\U0001fae9",  # of 2024: older Pythons do not know it
    "New \U0001fac8\U000323b0",  # perhaps assigned one day
    "Ola\ue000",
    "שרה \u200f(בית)",  # a mark of direction, which turns nothing around
    "\u1820\u180b\u1821",  # Mongolian: which form of a letter
    "\U0001f469\U0001f3fb\u200d\u2764\ufe0f\u200d\U0001f48b\u200d\U0001f469\U0001f3ff",  # a kiss: ten characters
    "कार्त्स्न्यं",  # Sanskrit joins five consonants
    "လျှော့",  # Burmese: five signs on one letter
    "སྒྲུབ",
    "िनशा",  # typed in the order in which it is seen
    "ေအာင္",  # as in a font of Burmese from before Unicode
    "שָׁלֹ֑ום",  # a letter with its vowel, its dot and its accent
    "x" * 80,
    "<script>alert(1)</script>",
    "\u2800 dots",
]
MAPPED = [
    ("  Ada  ", "Ada"),
    ("山田\u3000太郎", "山田 太郎"),
    ("Jean\u00a0Luc", "Jean Luc"),
    ("Jean \u2003\u202f Luc", "Jean Luc"),
    ("\u3000Ada\u00a0\r\n", "Ada"),
    ("Zoe\u0308", "Zoë"),
    ("\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"),
    ("\u212bsa", "Åsa"),
    ("A\u200dda", "Ada"),
    ("Ada\u200c", "Ada"),
    ("Ada\u200cعلی", "Adaعلی"),
    ("علی\u200c", "علی"),
    ("Ada\u200c \u200d Byron", "Ada Byron"),
    ("e\u200d\u0301", "é"),
    ("\ufeffAda", "Ada"),
    ("សុខ\u200bជា", "សុខជា"),
    ("Ada\u00ad\u2060 L.", "Ada L."),
    ("\U0001f600\u200d", "\U0001f600"),
    ("   ", ""),
    ("\u3000", ""),
]
REFUSED = [
    ("two\nlines", "U+000A (line break)"),
    ("two\u2028lines", "U+2028 (line separator)"),
    ("a\tb", "U+0009 (tab)"),
    ("a\x00b", "U+0000 (control character)"),
    ("\u0b95\u0301\u200b" + "\u094d\u200c" * 20, "joiners between marks"),
    ("\x1b[31mAda", "U+001B (control character)"),
    ("Ada\x7f.", "U+007F (control character)"),
    ("Ada\x9b31m", "U+009B (control character)"),
    ("\u202eevil", "U+202E (right-to-left override)"),
    ("Ada \u202dada", "U+202D (left-to-right override)"),
    ("Ada\u202b", "U+202B (right-to-left embedding)"),
    ("\u2067Ada", "U+2067 (right-to-left isolate)"),
    ("\ud83d", "U+D83D"),  # half of a picture, as a program may send it
    ("\u3164", "U+3164 (hangul filler)"),
    ("\u2800\u2800", "U+2800 (braille pattern blank)"),
    ("\u200b", "U+200B (zero width space)"),
    ("\u200d\u200c", "U+200D (zero width joiner)"),
    ("\u115f\uffa0", "U+115F (hangul choseong filler)"),
    ("\u00ad", "U+00AD (soft hyphen)"),
    ("\ufe0f", "U+FE0F (variation selector-16)"),
    ("\U000e0041", "U+E0041 (tag latin capital letter a)"),
    ("\U0001d159", "U+1D159 (musical symbol null notehead)"),
    ("\u200f \u200e", "U+200F (right-to-left mark)"),
    ("\U0003fffd", "U+3FFFD"),
    ("\u0301" * 40, "begin with U+0301 (combining acute accent)"),
    ("\u200d\u0941\u0915", "begin with U+0941 (devanagari vowel sign u)"),
    ("Zo\u0308" + "\u0301" * 5, "U+0301 (combining acute accent). Leave some out"),
    ("Ada\u20dd\u0323\u20dd\u0323\u20dd", "U+20DD (combining enclosing circle). Leave some out"),
    ("\u0915" + "\u093e" * 12, "joined into one, such as U+093E (devanagari vowel sign aa)"),
    ("\u0915\u094d" * 7 + "\u0915", "joined into one, such as U+0915 (devanagari letter ka)"),
    ("\u200d".join("\U0001f468" * 7), "joined into one, such as U+1F468 (man)"),
    ("\u1100" * 13, "joined into one, such as U+1100 (hangul choseong kiyeok)"),
    ("x" * 81, "Use up to 80 characters"),
    ("\u0301\u0316" * 5000, "Use up to 80 characters"),
]


@pytest.mark.parametrize("name", KEPT, ids=ascii)
def test_a_name_is_kept_as_it_is(name: str) -> None:
    assert names.read(name, 80) == name


@pytest.mark.parametrize(("typed", "kept"), MAPPED, ids=ascii)
def test_spaces_and_spellings_become_one_and_what_means_nothing_is_left_out(typed: str, kept: str) -> None:
    assert names.read(typed, 80) == kept


@pytest.mark.parametrize(("typed", "fault"), REFUSED, ids=lambda text: ascii(text[:20]))
def test_what_is_refused_is_named(typed: str, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        names.read(typed, 80)


@example("\u0b95\u0301\u200b\u094d\u200d\u1112")  # a joiner whose sign moves away from it
@given(
    st.text(
        st.sampled_from(
            "aé\u0301 \u3000\u200b\u200c\u200d\u00ad\u2800\u0644\u0631\u0d28\u0d4d\U0001f469\ufe0f\u1100\u1161"
        )
    )
)
def test_a_name_that_is_kept_is_kept_again_as_it_is(typed: str) -> None:
    try:
        kept = names.read(typed, 1000)
    except ValueError:
        return
    assert names.read(kept, 1000) == kept


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ada", "ADA"),
        ("Zoë", "zoe\u0308"),
        ("Ada", "\uff21\uff44\uff41"),
        ("Ada", "A\u034fd\u200fa"),
        ("Straße", "STRASSE"),
    ],
    ids=ascii,
)
def test_names_that_look_the_same_are_the_same(one: str, other: str) -> None:
    assert names.folded(one) == names.folded(other)


EVERYWHERE = [
    ("山田\u3000太郎", "山田 太郎", ""),
    ("\U0001fae9", "\U0001fae9", ""),
    ("x\u202ey", None, "U+202E"),
    ("\u3164", None, "U+3164"),
    ("\u0301" * 40, None, "begin with U+0301"),
    ("a" + "\u030b" * 20, None, "joined into one, such as U+030B"),
]


@pytest.mark.page
@pytest.mark.parametrize(("typed", "kept", "fault"), EVERYWHERE, ids=ascii)
def test_every_form_and_command_reads_names_alike(site: Site, typed: str, kept: str | None, fault: str) -> None:
    ada = site.member()
    pages = [
        site.browser().sign_up("eve@example.org", name=typed),
        ada.post(f"/devices/{ada.session()['sid']}/name", name=typed),
        ada.post("/lab/rooms", name=typed),
        ada.post(f"{_room(site)}/join", nickname=typed),
    ]
    assert {page.status_code for page in pages} == {303 if kept else 422}
    assert all(fault in page.text for page in pages)
    added = site.run("clients", "add", typed, "--json")
    assert (added.exit_code == 0) == bool(kept)
    assert fault in added.output
    assert ada.session()["name"] == kept
    found = {
        *site.query("SELECT name FROM users WHERE email = 'eve@example.org'"),
        *site.query("SELECT name FROM lab_rooms WHERE name <> 'Lobby'"),
        *site.query("SELECT nickname FROM lab_visitors WHERE nickname IS NOT NULL"),
        *site.query("SELECT name FROM clients"),
    }
    assert found == ({(kept,)} if kept else set())


@pytest.mark.page
def test_test_controls_read_them_alike(site: Site) -> None:
    def mint(**sent_too: str) -> TestResponse:
        sent = json.dumps({"email": " eve@example.org ", **sent_too})
        return site.browser().client.post("/test/session", data=sent, content_type="application/json")

    for half in ({"name": "\ud800"}, {"email": "\ud800@example.org"}, {"password": "\ud800 walruses"}):
        refused = mint(**half)
        assert (refused.status_code, "U+D800" in refused.text) == (400, True), half
    assert mint(name="山田\u3000太郎").status_code == 200
    assert site.query("SELECT name, email FROM users") == [("山田 太郎", "eve@example.org")]


@pytest.mark.page
def test_a_device_keeps_its_name_where_another_is_refused(site: Site) -> None:
    ada: Browser = site.member()
    where = f"/devices/{ada.session()['sid']}/name"
    ada.post(where, name="Desk")
    page = ada.post(where, name="Desk\u2800\u202e").text
    assert "This name was not saved. A name cannot hold U+202E (right-to-left override). Leave it out." in page
    assert ada.post(where).status_code == 422
    assert ada.session()["name"] == "Desk"


def _room(site: Site) -> str:
    return site.browser().post("/lab/rooms", name="Lobby").location
