"""Authlib with a key in place of a secret, on a site that demands none."""

from pathlib import Path

import pytest

from tests.clients.authlib_app import Authlib
from tests.clients.conftest import register
from tests.clients.library import Refused
from tests.clients.person import Person
from tests.oauth.keyed import Signer, key_file
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.page]


def test_authlib_exchanges_refreshes_asks_and_revokes_by_its_key(
    server: Server, person: Person, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AUTHLIB_INSECURE_TRANSPORT", "1")
    key = Signer()
    library = Authlib(register(server, "--jwks", key_file(tmp_path, key.public)), key.secret)
    assert library.arrive(person.decide(library.ask()))["sub"] == person.id
    library.refresh()
    assert (library.is_active(), library.call_api()) == (True, 200)
    library.revoke()
    assert library.call_api() == 401
    with pytest.raises(Refused, match="invalid_grant"):
        library.refresh()
    library.close()
