"""Browsers as people have them, driven by the commands of W3C WebDriver: over HTTP, or Firefox's own line, Marionette."""

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from abc import ABC, abstractmethod
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from tests.backings import free_port

ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # the key under which WebDriver names an element
PATIENCE = 60  # seconds, after which the awaited event will not come
HURRY = (
    10  # seconds, after which a question is asked again: WebKit's driver may lose one as its page gives way to another
)
GONE = ("stale element reference", "no such element", "no such window")
INSTALL = "install it with 'make test-browsers', or 'apt-get install {}'"


class Refused(Exception):
    """The browser did not do what it was told. *kind*: one of the error codes of WebDriver."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class Line(ABC):
    """The way to a browser."""

    @abstractmethod
    def send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Have a command of a session carried out; return its value. Raises Refused."""

    @abstractmethod
    def close(self) -> None:
        """End the browser, and what was started for it."""


class WebDriver(Line):
    """A driver program that takes commands over HTTP."""

    def __init__(self, program: list[str], wanted: dict[str, Any], **environ: str) -> None:
        self._port = free_port()
        self._driver = subprocess.Popen(
            [*program, f"--port={self._port}"],
            env=os.environ | environ,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._session = ""
        until(self._is_up)
        self._session = f"/session/{self.send('POST', '/session', wanted)['sessionId']}"

    def send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        if method != "GET" and path != "/elements":
            return self._send(method, path, body, PATIENCE)
        for _ in range(PATIENCE // HURRY):
            with suppress(TimeoutError):
                return self._send(method, path, body, HURRY)
        raise Refused("timeout", f"no answer to {method} {path}")

    def _send(self, method: str, path: str, body: dict[str, Any], patience: int) -> Any:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._port}{self._session}{path}",
            method=method,
            data=json.dumps(body).encode() if method == "POST" else None,
            headers={"Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=patience) as answer:  # noqa: S310
                return json.load(answer)["value"]
        except urllib.error.HTTPError as problem:
            found = json.load(problem)["value"]
            raise Refused(found["error"], found["message"]) from None

    def close(self) -> None:
        with suppress(OSError, Refused):
            self.send("DELETE", "", {})
        self._driver.terminate()
        self._driver.wait()

    def _is_up(self) -> bool:
        try:
            return bool(self.send("GET", "/status", {})["ready"])
        except OSError:
            return False


class Marionette(Line):
    """Firefox itself. Debian has no geckodriver, which only translates to this: the same commands by other names."""

    _NAMES = {  # noqa: RUF012
        ("POST", "/url"): "WebDriver:Navigate",
        ("GET", "/url"): "WebDriver:GetCurrentURL",
        ("POST", "/back"): "WebDriver:Back",
        ("POST", "/refresh"): "WebDriver:Refresh",
        ("POST", "/elements"): "WebDriver:FindElements",
        ("POST", "/execute/sync"): "WebDriver:ExecuteScript",
        ("GET", "/cookie"): "WebDriver:GetCookies",
        ("POST", "/cookie"): "WebDriver:AddCookie",
        ("DELETE", "/cookie"): "WebDriver:DeleteAllCookies",
        ("GET", "/screenshot"): "WebDriver:TakeScreenshot",
        ("POST", "/webauthn/authenticator"): "WebAuthn:AddVirtualAuthenticator",
        ("DELETE", "/webauthn/authenticator"): "WebAuthn:RemoveVirtualAuthenticator",
        ("GET", "text"): "WebDriver:GetElementText",
        ("GET", "enabled"): "WebDriver:IsElementEnabled",
        ("POST", "click"): "WebDriver:ElementClick",
        ("POST", "value"): "WebDriver:ElementSendKeys",
    }

    def __init__(self, program: str, preferences: dict[str, Any]) -> None:
        self._profile = Path(tempfile.mkdtemp(prefix="firefox-"))
        wanted = {
            "marionette.port": 0,
            "app.update.enabled": False,
            "datareporting.policy.firstRunURL": "",
        } | preferences
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in wanted.items()]
        (self._profile / "user.js").write_text("\n".join(lines))
        self._browser = subprocess.Popen(
            [program, "-headless", "-marionette", "-no-remote", "-profile", str(self._profile)],
            env=os.environ | {"HOME": str(self._profile)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port = self._profile / "MarionetteActivePort"
        until(lambda: port.exists() and port.read_text())
        self._socket = socket.create_connection(("127.0.0.1", int(port.read_text())), timeout=PATIENCE)
        self._answers = self._socket.makefile("rb")
        self._read()  # it says who it is
        self._sent = 0
        self._call("WebDriver:NewSession", {"acceptInsecureCerts": True})

    def send(self, method: str, path: str, body: dict[str, Any]) -> Any:
        _, _, rest = path.partition("/element/")
        element, _, verb = rest.partition("/")
        if path.startswith("/webauthn/authenticator/"):
            path, _, known = path.rpartition("/")
            body = {"authenticatorId": known}
        answer = self._call(self._NAMES[method, verb or path], {**body, "id": element} if element else body)
        return answer.get("value", answer) if isinstance(answer, dict) else answer

    def close(self) -> None:
        self._answers.close()
        self._socket.close()
        self._browser.terminate()
        self._browser.wait()
        shutil.rmtree(self._profile, ignore_errors=True)

    def _call(self, name: str, parameters: dict[str, Any]) -> Any:
        self._sent += 1
        message = json.dumps([0, self._sent, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(message), message))
        _, _, problem, answer = self._read()
        if problem:
            raise Refused(problem["error"], problem["message"])
        return answer

    def _read(self) -> Any:
        size = b""
        while not size.endswith(b":"):
            size += self._answers.read(1)
        return json.loads(self._answers.read(int(size[:-1])))


class Browser:
    """A browser that a user uses: goes to an address, reads labels, presses buttons."""

    def __init__(self, line: Line) -> None:
        self._line = line

    def go(self, url: str) -> None:
        self._line.send("POST", "/url", {"url": url})

    def url(self) -> str:
        return str(self._line.send("GET", "/url", {}))

    def heading(self) -> str:
        return self.text("//h1")

    def text(self, path: str = "//main") -> str:
        """Return what stands there to read."""
        return str(self._line.send("GET", f"/element/{self._one(path)}/text", {}))

    def has(self, words: str) -> bool:
        """Return whether the page says these words."""
        return " ".join(words.split()) in " ".join(self.text("//body").split())

    def fill(self, **fields: str) -> None:
        """Type into the fields of these names."""
        for name, value in fields.items():
            self._to(f"//main//*[@name='{name}']", "value", {"text": value})

    def tick(self, name: str) -> None:
        self._to(f"//main//*[@name='{name}']", "click", {})

    def press(self, *buttons: str, within: str = "//main") -> None:
        """Press buttons, each once the page has answered to the one before."""
        for button in buttons:
            self._press(f"{within}//button[normalize-space()='{button}']")

    def touch(self, button: str, within: str = "//main") -> None:
        """Press a button, and do not wait for anything."""
        self._to(f"{within}//button[normalize-space()='{button}']", "click", {})

    def follow(self, link: str, within: str = "//main") -> None:
        self._press(f"{within}//a[normalize-space()='{link}']")

    def sign_out(self) -> None:
        self.press("Sign Out", within="//header")

    def await_url(self, end: str) -> None:
        until(lambda: self.url().endswith(end), lambda: f"it is at {self.url()}, not at {end}")
        self._wait_until_read()

    def await_words(self, words: str) -> None:
        until(lambda: self.has(words), lambda: f"it says {self.text('//body')!r}, and not {words!r}")

    def cookies(self) -> dict[str, dict[str, Any]]:
        """Return the cookies of this page's site, HttpOnly or not, by their names."""
        return {cookie["name"]: cookie for cookie in self._line.send("GET", "/cookie", {})}

    def add_cookie(self, **cookie: Any) -> None:
        self._line.send("POST", "/cookie", {"cookie": cookie})

    def forget(self) -> None:
        """Delete the cookies of this page's site; WebKit answers before it has done so."""
        self._line.send("DELETE", "/cookie", {})
        until(lambda: not self.cookies())

    def add_authenticator(self) -> str:
        """Give the browser one in software (Web Authentication, section 11); return its id."""
        able = dict.fromkeys(("hasResidentKey", "hasUserVerification", "isUserConsenting", "isUserVerified"), True)
        device = {"protocol": "ctap2", "transport": "internal", **able}
        return str(self._line.send("POST", "/webauthn/authenticator", device))

    def remove_authenticator(self, known: str) -> None:
        self._line.send("DELETE", f"/webauthn/authenticator/{known}", {})

    def run(self, script: str, *arguments: Any) -> Any:
        """Run a script in the page."""
        return self._line.send("POST", "/execute/sync", {"script": script, "args": [*arguments]})

    def close(self) -> None:
        self._line.close()

    def _press(self, path: str) -> None:
        before = self._one("//main")
        self._to(path, "click", {})
        until(lambda: self._is_gone(before), lambda: f"nothing came of {path} at {self.url()}")
        self._wait_until_read()

    def _to(self, path: str, verb: str, body: dict[str, Any]) -> None:
        self._line.send("POST", f"/element/{self._one(path)}/{verb}", body)

    def _one(self, path: str) -> str:
        found: list[dict[str, str]] = self._line.send("POST", "/elements", {"using": "xpath", "value": path})
        if not found:
            raise Refused("no such element", f"{path} at {self.url()}")
        return found[0][ELEMENT]

    def _is_gone(self, element: str) -> bool:
        try:
            self._line.send("GET", f"/element/{element}/enabled", {})
        except Refused as refusal:
            if refusal.kind in GONE:
                return True
            raise
        return False

    def _wait_until_read(self) -> None:
        """Wait until the page is there to its end."""
        until(lambda: self._line.send("POST", "/elements", {"using": "xpath", "value": "//body/footer/p"}))


def until(is_so: Callable[[], Any], otherwise: Callable[[], str] = lambda: "it did not come") -> None:
    """Wait until something is so; while a page is on its way, it is not."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with suppress(Refused):
            if is_so():
                return
        time.sleep(0.02)
    raise AssertionError(otherwise())


class Missing(Exception):
    """A browser that the tests need is not on this machine. Its words say how to install it."""


def program(name: str, package: str) -> str:
    """Return where a program is. Raises Missing."""
    folders = [os.environ["PATH"], *map(str, Path("/usr/lib").glob("*/webkit2gtk-4.*")), "/usr/lib/chromium"]
    found = shutil.which(name, path=os.pathsep.join(folders))
    if found is None:
        raise Missing(f"{name} is missing: {INSTALL.format(package)}")
    return found


def firefox(*, javascript: bool = True, cookies: bool = True) -> Line:
    """Its passkeys are those of an authenticator in software: no key is plugged in here."""
    preferences: dict[str, Any] = {} if cookies else {"network.cookie.cookieBehavior": 2}
    preferences |= {f"security.webauth.webauthn_enable_{kind}token": kind == "soft" for kind in ("soft", "usb")}
    return Marionette(program("firefox-esr", "firefox-esr"), preferences | {"javascript.enabled": javascript})


def chromium(*, javascript: bool = True, cookies: bool = True) -> Line:
    blocked = {"javascript": javascript, "cookies": cookies}
    preferences = {
        f"profile.managed_default_content_settings.{what}": 2 for what, allowed in blocked.items() if not allowed
    }
    switches = ["--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    switches += ["--no-sandbox"] if os.geteuid() == 0 else []
    options = {"args": switches, "binary": program("chromium", "chromium"), "prefs": preferences}
    driver = program("chromedriver", "chromium-driver")
    wanted = {"acceptInsecureCerts": True, "goog:chromeOptions": options}
    return WebDriver([driver], {"capabilities": {"alwaysMatch": wanted}})


class WebKit(WebDriver):
    """WebKit, which Safari is built on, in the small browser that comes with it; its window is on a separate screen."""

    def __init__(self, *, javascript: bool = True, cookies: bool = True) -> None:
        driver, browser = program("WebKitWebDriver", "webkit2gtk-driver"), program("MiniBrowser", "webkit2gtk-driver")
        arguments = ["--automation", f"--enable-javascript={'true' if javascript else 'false'}"]
        arguments += [] if cookies else ["--cookies-policy=never"]
        options = {"binary": browser, "args": arguments}
        with ExitStack() as started:
            home = Path(tempfile.mkdtemp(prefix="webkit-"))
            started.callback(shutil.rmtree, home, ignore_errors=True)
            display = _screen(started)
            wanted = {"alwaysMatch": {"acceptInsecureCerts": True, "webkitgtk:browserOptions": options}}
            super().__init__(
                [driver], {"capabilities": wanted}, DISPLAY=display, HOME=str(home), XDG_RUNTIME_DIR=str(home)
            )
            self._started = started.pop_all()

    def close(self) -> None:
        super().close()
        self._started.close()


def _screen(started: ExitStack) -> str:
    """Start a screen that no user sees; return its name."""
    told, tells = os.pipe()
    screen = subprocess.Popen(
        [program("Xvfb", "xvfb"), "-displayfd", str(tells), "-screen", "0", "1280x1024x24", "-nolisten", "tcp"],
        pass_fds=[tells],
        stderr=subprocess.DEVNULL,
    )
    started.callback(screen.wait)
    started.callback(screen.terminate)
    os.close(tells)
    with open(told) as line:
        return f":{line.readline().strip()}"


ENGINES = {"chromium": chromium, "firefox": firefox, "webkit": WebKit}


def start(engine: str, **more: bool) -> Browser:
    """Start a browser. Raises Missing."""
    return Browser(ENGINES[engine](**more))
