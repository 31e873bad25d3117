"""A kept connection to a server."""

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from tests.browsers import AGENTS

AGENT = AGENTS["Firefox on Linux"]
_KEPT_SECONDS = 2  # some servers close a connection after five


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        return next(value for found, value in self.headers if found.lower() == name.lower())

    @property
    def cookies(self) -> dict[str, str]:
        set_here = [value.partition(";")[0] for name, value in self.headers if name.lower() == "set-cookie"]
        return dict(line.split("=", 1) for line in set_here)


@dataclass(frozen=True)
class Asked:
    """A request, and the status that must answer it."""

    method: str
    path: str
    headers: dict[str, str]
    body: str = ""
    status: int = 200

    @property
    def raw(self) -> bytes:
        headers = {"Host": "localhost", "Content-Length": str(len(self.body))} | self.headers
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
        return "\r\n".join([*lines, "", self.body]).encode()


def get(path: str, status: int = 200, **headers: str) -> Asked:
    return Asked("GET", path, headers, status=status)


def post(path: str, form: dict[str, str], status: int = 200, **headers: str) -> Asked:
    headers |= {"Content-Type": "application/x-www-form-urlencoded"}
    return Asked("POST", path, headers, urlencode(form), status)


def post_json(path: str, about: dict[str, Any], status: int = 200, **headers: str) -> Asked:
    return Asked("POST", path, headers | {"Content-Type": "application/json"}, json.dumps(about), status)


def carrying(pocket: dict[str, str]) -> dict[str, str]:
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in pocket.items())}


class Line:
    """The connection. An answer with an unexpected status ends the measurement."""

    def __init__(self, port: int, host: str = "localhost") -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self._always = {"Host": f"{host}:{port}", "User-Agent": AGENT}
        self._asked = 0.0

    def ask(self, asked: Asked) -> Answer:
        if time.monotonic() > self._asked + _KEPT_SECONDS:
            self._connection.close()  # the next request reopens it
        self._asked = time.monotonic()
        self._connection.request(asked.method, asked.path, asked.body or None, self._always | asked.headers)
        found = self._connection.getresponse()
        answer = Answer(found.status, found.getheaders(), found.read())
        if answer.status != asked.status:
            raise SystemExit(f"{asked.method} {asked.path} was answered {answer.status}: {answer.body[:2000].decode()}")
        return answer

    def close(self) -> None:
        self._connection.close()
