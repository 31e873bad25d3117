"""Browsers at https behind a slow line, which cuts requests and answers anywhere: nothing is lost, and nothing goes on that was ended."""

import http.client
import re
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.browsers import ACCESS, PASSWORD, PROBE, RECEIPT, REFRESH, Pocket
from tests.cluster import Cluster, Line, accepted
from tests.conftest import LONG
from tests.faults.test_faults import until
from tests.server import Server

pytestmark = [pytest.mark.server, pytest.mark.sqlite]
CUTS = [1, 120, 400, 600, 800, 1000, 1300, 1700, 2500, 6000] if LONG else [1, 600, 1300, 2500]  # bytes of TLS
EXPIRED = 301
FRESH = 600
NEW = "nine quiet walruses"


@pytest.fixture(scope="module")
def server(shared_instance: Path) -> Iterator[Server]:
    running = Server(shared_instance, TLS="1", WORKERS="2")
    yield running
    running.stop()


@pytest.fixture(scope="module")
def line(server: Server) -> Iterator[Line]:
    found = Line(server.port)
    yield found
    found.close()


class Far:
    """A browser at the far end of *line*. It keeps the cookies of each answer whose head has arrived."""

    def __init__(self, server: Server, line: Line) -> None:
        self._server, self._line = server, line
        self.pocket: Pocket = {PROBE: "1"}
        self.location = ""

    def get(self, path: str, *, cut: int = -1) -> tuple[int, str]:
        return self._send("GET", path, None, {"answers": cut})

    def post(self, path: str, *, cut: int = -1, cut_request: int = -1, **form: str) -> int:
        return self._send("POST", path, urlencode(form), {"answers": cut, "requests": cut_request})[0]

    def insist(self, path: str, *, cut: int, **form: str) -> int:
        """Post a form; if no answer comes, post it again."""
        return self.post(path, cut=cut, **form) or self.post(path, **form)

    def form(self, path: str) -> dict[str, str]:
        found = re.search(r'name="once" value="([^"]+)"', self.get(path)[1])
        assert found, path
        return {"once": found[1]}

    def tokens(self) -> Pocket:
        return {name: self.pocket[name] for name in (ACCESS, REFRESH)}

    def _send(self, method: str, path: str, body: str | None, cuts: dict[str, int]) -> tuple[int, str]:
        """Return the status, or 0 where the head of the answer does not arrive; and what arrives of the page."""
        self._line.mend(delay=self._line.delay)
        with closing(self._connect()) as far:
            far.connect()
            self._line.cuts |= cuts
            try:
                far.request(method, path, body, self._headers(body))
                answer = far.getresponse()
            except (OSError, http.client.HTTPException):
                return 0, ""
            self._keep(answer)
            try:
                return answer.status, answer.read().decode()
            except (OSError, http.client.HTTPException):
                return answer.status, ""

    def _connect(self) -> http.client.HTTPConnection:
        if self._server.url.startswith("http:"):
            return http.client.HTTPConnection("localhost", self._line.port, timeout=60)
        context = ssl.create_default_context(cafile=self._server.folder / "tls" / "authority.pem")
        return http.client.HTTPSConnection("localhost", self._line.port, timeout=60, context=context)

    def _headers(self, body: str | None) -> dict[str, str]:
        cookies = "; ".join(f"{name}={value}" for name, value in self.pocket.items())
        headers = {"Host": f"localhost:{self._server.port}", "Cookie": cookies, "Accept": "text/html"}
        form = {"Origin": self._server.url, "Content-Type": "application/x-www-form-urlencoded"}
        return headers | (form if body is not None else {})

    def _keep(self, answer: http.client.HTTPResponse) -> None:
        given = SimpleCookie()
        for one in answer.headers.get_all("Set-Cookie") or []:
            given.load(one)
        self.pocket |= {name: morsel.value for name, morsel in given.items()}
        self.pocket = {name: value for name, value in self.pocket.items() if value}


@pytest.fixture
def ada(server: Server, line: Line, request: pytest.FixtureRequest) -> Far:
    browser = Far(server, line)
    assert browser.post("/sign-up", name="Ada", email=email(request), password=PASSWORD) == 303
    return browser


def email(request: pytest.FixtureRequest) -> str:
    return f"ada-{abs(hash(request.node.nodeid))}@example.org"


def live(server: Server, address: str) -> int:
    found = "SELECT count(*) FROM sessions JOIN users ON users.id = user_id WHERE email = ? AND ended_entry IS NULL"
    [(count,)] = server.query(found, address)
    return int(count)


@pytest.mark.parametrize("cut", CUTS)
def test_sign_out_whose_answer_is_cut_is_sent_again_and_gets_the_receipt_with_its_proof(
    server: Server, ada: Far, cut: int
) -> None:
    before, form = ada.tokens(), ada.form("/sign-out")
    assert ada.insist("/sign-out", cut=cut, **form) == 303
    assert not server.is_signed_in(before)
    assert RECEIPT in ada.pocket
    assert "signed-out.tlog-proof" in ada.get("/signed-out")[1]
    assert REFRESH not in ada.pocket


@pytest.mark.parametrize("cut", [600, 1300])  # less is cut from the handshake, before the request has arrived
def test_sign_out_whose_answer_never_comes_has_ended_the_session_all_the_same(
    server: Server, ada: Far, cut: int
) -> None:
    before, form = ada.tokens(), ada.form("/sign-out")
    ada.post("/sign-out", cut=cut, **form)
    until(lambda: not server.is_signed_in(before))


@pytest.mark.parametrize("cut", CUTS)
def test_renewals_whose_answers_are_cut_one_after_another_sign_no_user_out(server: Server, ada: Far, cut: int) -> None:
    for _ in range(3):
        ada.pocket.pop(ACCESS, None)
        ada.get("/account", cut=cut)
        server.wait(EXPIRED)
    assert ada.get("/account")[0] == 200


@pytest.mark.parametrize("cut", CUTS)
def test_a_confirmation_whose_answer_is_cut_is_sent_again_and_acts_once(
    server: Server, line: Line, ada: Far, request: pytest.FixtureRequest, cut: int
) -> None:
    server.wait(FRESH)
    other = Far(server, line)
    other.post("/sign-in", email=email(request), password=PASSWORD)
    form = ada.form("/confirm?action=others") | {"password": PASSWORD, "action": "others"}
    assert ada.insist("/confirm", cut=cut, **form) == 303
    assert other.get("/account")[0] == 303
    assert ada.get("/account")[0] == 200


@pytest.mark.parametrize("cut", CUTS)
def test_a_sign_in_whose_answer_is_cut_is_sent_again_and_leaves_no_ghost(
    server: Server, line: Line, ada: Far, request: pytest.FixtureRequest, cut: int
) -> None:
    other = Far(server, line)
    form = other.form("/sign-in") | {"email": email(request), "password": PASSWORD}
    assert other.insist("/sign-in", cut=cut, **form) == 303
    assert other.get("/account")[0] == 200
    assert live(server, email(request)) == 2


@pytest.mark.parametrize("cut", CUTS)
def test_a_change_of_password_whose_answer_is_cut_is_sent_again_and_stays_signed_in(
    server: Server, ada: Far, request: pytest.FixtureRequest, cut: int
) -> None:
    form = ada.form("/account/password") | {"current": PASSWORD, "password": NEW}
    assert ada.insist("/account/password", cut=cut, **form) == 303
    assert ada.get("/account")[0] == 200
    assert live(server, email(request)) == 1


@pytest.mark.parametrize("cut", [1, 200, 600])
def test_half_a_sign_out_ends_nothing(ada: Far, cut: int) -> None:
    assert ada.post("/sign-out", cut_request=cut, **ada.form("/sign-out"), padding="x" * 400) == 0
    assert ada.get("/account")[0] == 200


@pytest.fixture(scope="module")
def nodes(shared_instance: Path) -> Iterator[list[Server]]:
    cluster = Cluster(shared_instance, 2)
    yield cluster.nodes
    cluster.stop()


LOST_AT = (
    [0, 1, 8] if LONG else [0, 1]
)  # bytes of the answer that arrive, less than its status; 0: the node still waits for the other


@pytest.mark.nodes
@pytest.mark.parametrize("cut", LOST_AT)
def test_a_sign_out_on_a_slow_line_that_is_sent_again_is_over_only_when_the_other_node_knows(
    nodes: list[Server], request: pytest.FixtureRequest, cut: int
) -> None:
    """The other node stands still, so that this one has to wait for it."""
    near, other = nodes
    with closing(Line(near.port)) as line, ThreadPoolExecutor(1) as threads:
        line.delay = 0.02  # for each piece
        ada = Far(near, line)
        assert ada.post("/sign-up", name="Ada", email=email(request), password=PASSWORD) == 303
        before, form = ada.tokens(), ada.form("/sign-out")
        assert accepted(other, before)
        other.pause()
        lost = threads.submit(ada.post, "/sign-out", cut=cut or -1, **form)
        if not cut:
            until(lambda: not live(near, email(request)))
            line.tear()
        assert lost.result() == 0
        assert ada.post("/sign-out", **form) == 303
        first = threads.submit(other.api, before[ACCESS])  # it waits at the door
        other.resume()
        assert first.result() == 401
        assert accepted(other, before) == accepted(near, before) == []
        assert RECEIPT in ada.pocket
        assert "signed-out.tlog-proof" in ada.get("/signed-out")[1]
