"""Styles and scripts: one stylesheet for the whole site, and addresses that caches may keep for ever."""

import gzip
import re
from pathlib import Path

import brotli
import pytest

from app.config import PROJECT
from app.web import assets
from tests.browsers import Browser, Site
from tests.pages import SOONER

pytestmark = pytest.mark.page
KEPT = "public, max-age=31536000, immutable"
LAB = ["/lab", "/lab/path", "/lab/designs", SOONER, "/lab/rooms", "/lab/experiment", "/lab/hand-out"]


def sheets(page: str) -> list[str]:
    return re.findall(r'<link rel="stylesheet" href="([^"]+)"', page)


def addresses(page: str) -> list[str]:
    return re.findall(r'(?:href|src)="(/static/[^"]+)"', page)


@pytest.fixture
def sheet(site: Site) -> str:
    """The address of the site's stylesheet."""
    [found] = sheets(site.browser().get("/").text)
    return found


def test_a_page_of_the_site_has_one_stylesheet(site: Site) -> None:
    ada = site.member()
    for path in ("/", "/devices", "/account", "/activity", "/sign-out", "/nowhere", "/account/authenticator"):
        assert len(sheets(ada.get(path).text)) == 1, path


@pytest.mark.parametrize("path", LAB)
def test_a_page_of_the_lab_has_one_more_at_most(site: Site, path: str) -> None:
    page = site.browser().get(path)
    assert len(sheets(page.text)) <= 2, page.status_code


def test_every_address_on_a_page_is_kept_for_a_year(site: Site) -> None:
    ada = site.member()
    found = {address for path in ("/", "/devices", *LAB) for address in addresses(ada.get(path).text)}
    assert len(found) > 5
    for address in found:
        answer = ada.get(address)
        assert (answer.status_code, answer.headers["Cache-Control"]) == (200, KEPT), address


def test_the_sheet_holds_its_parts_in_order(site: Site, sheet: str) -> None:
    text = site.browser().get(sheet).text
    parts = [(PROJECT / "static" / "css" / f"{name}.css").read_text() for name in assets.SHEETS["site"]]
    assert text == "".join(parts)
    assert text.startswith("@layer reset, tokens, base, components, utilities;"), "no part may come before it"


def test_every_part_is_in_a_sheet() -> None:
    parts = {path.stem for path in (PROJECT / "static" / "css").iterdir()}
    assert parts == {part for sheet in assets.SHEETS.values() for part in sheet}


def test_a_fingerprint_names_one_content(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    before = assets.files()["site.css"]
    other = assets.Asset(before.content + b"/* one more rule */", before.kind)
    assert other.fingerprint != before.fingerprint
    monkeypatch.setitem(assets.files(), "site.css", other)
    [address] = sheets(site.browser().get("/").text)
    assert other.fingerprint in address


def test_no_cache_keeps_what_an_old_node_gives_for_a_new_address(site: Site, sheet: str) -> None:
    newer = re.sub(r"/static/\w+/", "/static/0123456789abcdef/", sheet)
    answer = site.browser().get(newer)
    assert newer != sheet
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.text == site.browser().get(sheet).text, "the page keeps its looks meanwhile"


def test_no_cache_keeps_a_file_that_is_asked_for_by_its_name_alone(site: Site) -> None:
    assert site.browser().get("/static/js/live.js").headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("accepted", "unpack"), [("br, gzip", brotli.decompress), ("gzip", gzip.decompress)])
def test_a_file_is_sent_compressed_in_the_best_way_that_is_accepted(
    site: Site, sheet: str, accepted: str, unpack: type[bytes]
) -> None:
    plain = site.browser().get(sheet)
    packed = site.browser().get(sheet, **{"Accept-Encoding": accepted})
    assert packed.headers["Content-Encoding"] == accepted.split(",")[0]
    assert unpack(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 3
    assert packed.headers["Content-Length"] == str(len(packed.data))
    for answer in (plain, packed):
        assert answer.headers["Vary"] == "Accept-Encoding"
    assert "Content-Encoding" not in plain.headers


@pytest.mark.parametrize("accepted", ["identity", "br;q=0, gzip;q=0", "zstd", ""])
def test_a_file_is_sent_as_it_is_to_a_client_that_accepts_no_compression(site: Site, sheet: str, accepted: str) -> None:
    assert "Content-Encoding" not in site.browser().get(sheet, **{"Accept-Encoding": accepted}).headers


def test_a_file_is_compressed_once(site: Site, sheet: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fresh = assets.Asset(assets.files()["site.css"].content, "text/css")
    packed: list[int] = []
    monkeypatch.setitem(assets._ENCODINGS, "br", lambda content: packed.append(len(content)) or b"packed")
    monkeypatch.setitem(assets.files(), "site.css", fresh)
    for _ in range(3):
        assert site.browser().get(sheet, **{"Accept-Encoding": "br"}).data == b"packed"
    assert len(packed) == 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("site.css", "text/css; charset=utf-8"),
        ("js/live.js", "text/javascript; charset=utf-8"),
        ("icon.svg", "image/svg+xml"),
        ("favicon.ico", "image/vnd.microsoft.icon"),
    ],
)
def test_the_type_does_not_depend_on_the_machine(site: Site, name: str, kind: str) -> None:
    assert site.browser().get(f"/static/{name}").headers["Content-Type"] == kind


@pytest.mark.parametrize(
    "path", ["", "css/", "css/tokens.css", "../app.py", "..%2fapp.py", "js", "0123456789abcdef/../../app.py", "%00"]
)
def test_nothing_else_is_a_file(site: Site, path: str) -> None:
    visitor: Browser = site.browser()
    for address in (f"/static/{path}", f"/static/0123456789abcdef/{path}"):
        answer = visitor.get(address)
        assert answer.status_code == 404, address
        assert answer.headers["Cache-Control"] == "no-store"


def test_every_file_of_the_folder_is_served() -> None:
    folder = PROJECT / "static"
    found = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in found if Path(name).suffix != ".css"} <= set(assets.files())
