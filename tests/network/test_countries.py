"""The operator's map of countries: read once at the start, and never a reason to fail later."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from app import create_app
from app.config import Misconfigured
from app.network import countries as found
from tests import countries
from tests.browsers import Site

pytestmark = pytest.mark.sqlite

COUNTRIES = [
    ("192.0.2.9", "NO"),
    ("203.0.113.66", "PT"),
    ("::ffff:203.0.113.66", "PT"),
    ("127.0.0.1", None),
    ("2001:db8::1", "IS"),
    ("no address", None),
    ("", None),
]


OpenSite = Callable[..., Site]


@pytest.fixture
def site(tmp_path: Path, open_site: OpenSite) -> Site:
    path = countries.write(tmp_path / "map.mmdb", countries.MAP | {"2001:db8::/32": ("IS", "Iceland")})
    return open_site(COUNTRY_DATABASE=str(path))


@pytest.mark.parametrize(("address", "code"), COUNTRIES)
def test_an_address_is_in_the_country_that_the_map_says(site: Site, address: str, code: str | None) -> None:
    with site.app.app_context():
        country = found.find(address)
    assert (country and country.code) == code


def test_people_read_the_name_beside_the_address(site: Site) -> None:
    with site.app.app_context():
        assert found.beside("203.0.113.66") == "203.0.113.66, Portugal"
        assert found.beside("127.0.0.1") == "127.0.0.1"
        assert found.beside(None) is None


def test_a_country_without_a_name_is_called_by_its_code(tmp_path: Path, open_site: OpenSite) -> None:
    path = countries.write_records(tmp_path / "map", {"192.0.2.0/24": {"country": {"iso_code": "NO"}}})
    with open_site(COUNTRY_DATABASE=str(path)).app.app_context():
        assert found.beside("192.0.2.1") == "192.0.2.1, NO"


def test_without_a_map_no_country_is_known(open_site: OpenSite) -> None:
    with open_site().app.app_context():
        assert found.find("203.0.113.66") is None


def test_the_map_may_be_taken_away_while_the_site_runs(site: Site, tmp_path: Path) -> None:
    (tmp_path / "map.mmdb").write_bytes(b"")
    (tmp_path / "map.mmdb").unlink()
    with site.app.app_context():
        assert found.find("203.0.113.66") == ("PT", "Portugal")


def damage(tmp_path: Path, kind: str) -> Path:
    path = tmp_path / "map.mmdb"
    if kind == "cut short":
        path.write_bytes(countries.write(path).read_bytes()[:-40])
    elif kind == "of something else":
        countries.write_records(path, {"192.0.2.0/24": {"asn": 64496}, "203.0.113.0/24": "nowhere"})
    elif kind == "a folder":
        path.mkdir()
    elif kind == "empty":
        path.write_bytes(b"")
    return path


@pytest.mark.parametrize("kind", ["missing", "cut short", "of something else", "a folder", "empty"])
def test_a_map_that_cannot_be_used_stops_the_start_with_one_line(tmp_path: Path, kind: str) -> None:
    environ = {"INSTANCE_PATH": str(tmp_path / "instance"), "COUNTRY_DATABASE": str(damage(tmp_path, kind))}
    with pytest.raises(Misconfigured, match=r"^COUNTRY_DATABASE=.*give a map of countries") as stopped:
        create_app(environ)
    assert "\n" not in str(stopped.value)


def test_damage_in_it_is_found_at_the_start_or_costs_the_country_and_nothing_else(
    tmp_path: Path, open_site: OpenSite
) -> None:
    path = countries.write(tmp_path / "map.mmdb")
    whole, chance = path.read_bytes(), random.Random(1)
    site, read = open_site(), 0
    for _ in range(300):
        spoilt = bytearray(whole)
        for _ in range(chance.randint(1, 20)):
            spoilt[chance.randrange(len(spoilt))] = chance.randrange(256)
        path.write_bytes(spoilt)
        with site.app.app_context():
            try:
                site.app.extensions["countries"] = found._open(path)
            except Misconfigured:
                continue
            read += 1
            for address, _ in COUNTRIES:
                found.find(address)
    assert read
