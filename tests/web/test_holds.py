"""What my browser holds: each claim explained, and nothing that could be used instead of it."""

import html
import re

from tests.browsers import ACCESS, REFRESH, Site


def test_every_claim_of_the_access_token_is_explained(site: Site) -> None:
    page = site.member().get("/holds").text
    for claims in re.findall(r'<dl class="claims">(.*?)</dl>', page, re.DOTALL):
        meanings = [html.unescape(found).strip() for found in re.findall(r"<dd[^>]*>(.*?)</dd>", claims, re.DOTALL)]
        assert meanings
        assert all(meanings)


def test_neither_token_stands_on_the_page(site: Site) -> None:
    ada = site.member()
    page = ada.get("/holds").text + ada.get("/").text
    for token in (ada.pocket()[ACCESS], ada.pocket()[REFRESH]):
        assert token not in page
        assert token.rpartition(".")[2] not in page


def test_the_place_in_the_navigation_is_marked_on_every_page_of_the_site(site: Site) -> None:
    ada = site.member()
    for path, place in (
        *(("/devices", "Devices"), ("/activity", "Activity"), ("/account", "Account"), ("/lab/designs", "Lab")),
        *(("/account/password", "Account"), ("/account/data", "Account"), ("/holds", "Account")),
    ):
        marked = re.findall(r'<a href="[^"]+" aria-current="\w+">(\w+)</a></li>', ada.get(path).text)
        assert place in marked, path
    assert re.findall(r'aria-current="\w+">(\w+)</a></li>', ada.get("/").text) == []
