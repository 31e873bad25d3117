"""Where to go next: a path of this site, carried in the address of another page and read back from it."""

from urllib.parse import parse_qs, parse_qsl, urlsplit

from hypothesis import given, settings
from hypothesis import strategies as st

from app.web import local

ODD = st.text(
    st.sampled_from("/?&=#%+;:@\\ \t\n\"'<>[]{}|^~.aA0é漢\u200d\u00a0\ufffd🦦") | st.characters(codec="utf-8"),
    max_size=40,
)
PATHS = st.builds("/{}?{}".format, ODD, ODD) | ODD


@settings(deadline=None)
@given(PATHS)
def test_it_is_a_path_of_this_site_whatever_is_wished(wanted: str) -> None:
    found = local.path(wanted)
    assert found.startswith("/")
    assert not found.startswith(("//", "/\\"))
    assert found.isascii()
    assert not set(found) & set(' "<>\\\t\r\n')
    assert local.path(found) == found, "and it is one already"
    parts = urlsplit(found)
    assert (parts.scheme, parts.netloc) == ("", "")


@settings(deadline=None)
@given(PATHS)
def test_it_comes_back_from_the_address_that_carried_it_and_means_the_same(wanted: str) -> None:
    found = local.path(wanted)
    carried = parse_qs(urlsplit(f"/sign-in?next={local.quoted(found)}").query, keep_blank_values=True)
    again = local.path(carried["next"][0])
    assert carried.keys() == {"next"}
    assert parse_qsl(urlsplit(again).query, keep_blank_values=True) == parse_qsl(
        urlsplit(found).query, keep_blank_values=True
    )
    assert urlsplit(again).path == urlsplit(found).path
