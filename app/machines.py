"""Endpoints that programs read: they answer errors in JSON. Those that read no cookie skip the hooks for visitors."""

from collections.abc import Callable, Iterable
from typing import Any, ClassVar, TypeVar

from flask import Blueprint, Flask, Response
from werkzeug.exceptions import HTTPException, MethodNotAllowed

View = TypeVar("View", bound=Callable[..., Any])
browser_apps: set[Callable[..., Any]] = set()  # the views that apps in a browser may call
VISITORS = "visitors"  # as if it were one more blueprint around that of the request


class Machines(Blueprint):
    """A blueprint of such endpoints. *beneath*: the prefixes under which an unknown path is answered in JSON.

    *reads_cookies*: whether a browser asks on behalf of a page.
    """

    without_cookies: ClassVar[set[str]] = set()

    def __init__(
        self, name: str, import_name: str, *, beneath: Iterable[str] = (), reads_cookies: bool = False, **more: Any
    ) -> None:
        super().__init__(name, import_name, **more)
        self.beneath = tuple(beneath)
        if not reads_cookies:
            self.without_cookies.add(name)


def for_browser_apps(view: View) -> View:
    """Let apps in a browser call *view* from their origins, which `oauth.cors` names in its answers."""
    browser_apps.add(view)
    return view


def answer(app: Flask, path: str) -> bool:
    """Return whether *path*, if it exists, answers programs, by any method."""
    endpoint = _endpoint(app, path)
    if endpoint:
        return isinstance(app.blueprints.get(endpoint.rpartition(".")[0]), Machines)
    return any(path.startswith(found.beneath) for found in app.blueprints.values() if isinstance(found, Machines))


def before_visitors(app: Flask, hook: Callable[[], Any]) -> None:
    """Have *app* call *hook* before a request of a visitor."""
    app.before_request_funcs.setdefault(VISITORS, []).append(hook)


def after_visitors(app: Flask, hook: Callable[[Response], Response]) -> None:
    """Have *app* call *hook* with the answer to a request of a visitor."""
    app.after_request_funcs.setdefault(VISITORS, []).append(hook)


def _endpoint(app: Flask, path: str) -> str | None:
    adapter = app.url_map.bind("localhost")
    try:
        found, _ = adapter.match(path, method="GET")
    except MethodNotAllowed as problem:
        found, _ = adapter.match(path, method=next(iter(problem.valid_methods or ["GET"])))
    except HTTPException:
        return None
    return str(found)
