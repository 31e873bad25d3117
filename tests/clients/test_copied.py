"""The lines of docs/apps.md for libraries that leave the site to their users: they are run as they stand there."""

import json
import subprocess

import pytest

from tests.clients.conftest import CALLBACK, register
from tests.clients.copied import OWN, copied
from tests.clients.person import Person
from tests.forking import PROJECT
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.page]


@pytest.mark.parametrize(("library", "name"), [("openid-client", "client"), ("oauth4webapi", "oauth")])
def test_the_copied_lines_sign_a_person_in_with_pkce_and_read_userinfo(
    server: Server, person: Person, library: str, name: str
) -> None:
    app = register(server, redirect_uri=CALLBACK)  # a loopback number: the port in the lines is the app's to choose
    block = copied(library)
    assert f"{OWN}/callback" in block
    told = {"library": library, "name": name, "issuer": app.issuer, "id": app.id, "secret": app.secret, "block": block}
    with subprocess.Popen(
        ["node", "copied.mjs", json.dumps(told)],
        cwd=PROJECT / "tests" / "node",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        address = process.stdout.readline().strip()
        assert "code_challenge_method=S256" in address, process.communicate()[1]
        said, problem = process.communicate(f"{person.decide(address)}\n", timeout=60)
    assert said, problem
    found = json.loads(said)
    assert (found["person"]["sub"], found["person"]["email"]) == (person.id, person.email)
    assert server.api(found["after"]) == 200
    assert (found["after"] != found["before"]) == ("refresh" in block), "it has refreshed if the lines say so"
