"""An app may send people back only where no other program reads along."""

import pytest

from tests.browsers import Site
from tests.cli.conftest import add, refuses

GOOD = [
    "https://photos.example/back?to=1",
    "http://localhost:3000/back",
    "http://127.0.0.1/back",
    "http://127.4.5.6:81/back",
    "http://[::1]:8080/back",
    "com.example.photos:/back",
    "com.example.photos://",
    "https://photos.example/back?codes=1&States=2&to=code%3D1",
]
BAD = [
    "http://photos.example/back",
    "http://10.0.0.1/back",
    "http://localhost.photos.example/back",
    "http://127.0.0.1.photos.example/back",
    "http://127.1/back",
    "https://photos.example/back#here",
    "https://photos.example/back#",
    "https://photos.example/a b",
    "https://photos.example/back\nhttps://thief.example/",
    "https://photos.example\\@thief.example/",
    "https://ada@photos.example/back",
    "https://:@photos.example/back",
    "https://photos.example:port/back",
    "https://[::1/back",
    "https://*.photos.example/back",
    "https://bücher.example/back",
    "https://photos.example;sandbox/back",
    "https://photos.example,x/back",
    "https://'self'/back",
    "https:///back",
    "https:back",
    "/back",
    "photos.example/back",
    "",
    "javascript:alert(1)",
    "JavaScript://photos.example/%0aalert(1)",
    "data:text/html,x",
    "file:///etc/passwd",
    "photos:/back",
    "https://photos.example/" + "a" * 2000,
    "https://photos.example/back?code=1",
    "https://photos.example/back?to=1&state=2",
    "https://photos.example/back?iss",
    "https://photos.example/back?&error=",
    "https://photos.example/back?error_description=x",
    "https://photos.example/back?c%6Fde=1",
    "https://photos.example/back?to=1;state=2",
    "http://127.0.0.1/back?state=1",
    "com.example.photos:/back?code=1",
    "com.example.photos://?iss=1",
]


@pytest.mark.page
@pytest.mark.parametrize("option", ["--redirect-uri", "--post-logout-redirect-uri"])
def test_aut_09_people_are_sent_back_over_https_or_within_their_machine(site: Site, option: str) -> None:
    for uri in GOOD:
        assert "client_id" in add(site, option, uri)


@pytest.mark.page
@pytest.mark.parametrize("option", ["--redirect-uri", "--post-logout-redirect-uri"])
@pytest.mark.parametrize("uri", BAD)
def test_aut_09_any_other_address_is_refused_in_one_line(site: Site, option: str, uri: str) -> None:
    refuses(site, option, uri)
