"""An app in Node.js, in a separate process, to which the test speaks in lines of JSON (tests/node/lines.mjs)."""

import json
import subprocess
from functools import partial
from typing import Any

from tests.clients.library import SCOPE, App, Refused
from tests.forking import PROJECT


class Node:
    """*has_key*: it proves its own key with each request (DPoP). *jwk*: the private key by which it authenticates,
    in place of a secret; it then also pushes its requests."""

    def __init__(self, script: str, app: App, *, has_key: bool = False, jwk: dict[str, Any] | None = None) -> None:
        self._process = subprocess.Popen(
            ["node", f"{script}.mjs"],
            cwd=PROJECT / "tests" / "node",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self._say(
            "start",
            {
                "issuer": app.issuer,
                "id": app.id,
                "secret": app.secret,
                "redirect_uri": app.redirect_uri,
                "scope": SCOPE,
                "has_key": has_key,
                "jwk": jwk,
            },
        )

    def ask(self) -> str:
        return str(self._say("ask"))

    def arrive(self, callback: str) -> dict[str, Any]:
        claims: dict[str, Any] = self._say("arrive", callback)
        return claims

    def userinfo(self) -> dict[str, Any]:
        found: dict[str, Any] = self._say("userinfo")
        return found

    def call_api(self) -> int:
        return int(self._say("callApi"))

    def refresh(self) -> None:
        self._say("refresh")

    def copy(self) -> dict[str, str]:
        """Copy its tokens."""
        found: dict[str, str] = self._say("copy")
        return found

    def steal(self, tokens: dict[str, str]) -> None:
        """Go on with the tokens of another."""
        self._say("steal", tokens)

    def is_active(self) -> bool:
        return bool(self._say("isActive"))

    def revoke(self) -> None:
        self._say("revoke")

    def close(self) -> None:
        self._process.communicate(timeout=30)

    def _say(self, verb: str, *given: Any) -> Any:
        """Ask for one thing; return what came of it. Raises Refused."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps([verb, *given]) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(self._process.communicate(timeout=30)[1])
        answer = json.loads(line)
        if "refused" in answer:
            raise Refused(answer["refused"])
        return answer.get("result")


OpenidClient = partial(Node, "openid-client")
OAuth4WebAPI = partial(Node, "oauth4webapi")
