"""No exception leaves the application: a finished answer stands, and an error before it becomes our page."""

import logging
from collections.abc import Callable, Iterable, Iterator
from functools import cache, cached_property, partial
from itertools import accumulate, chain
from typing import Any, TypeVar
from urllib.parse import quote
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from flask import Flask, Request, Response
from flask.ctx import RequestContext
from flask.globals import request_ctx
from flask.sessions import NullSession, SessionInterface
from flask.typing import ResponseReturnValue
from werkzeug.datastructures import Authorization, Headers
from werkzeug.routing import MapAdapter

from app import context
from app.config import settings
from app.machines import VISITORS, Machines
from app.serving.reading import MOST_BODY
from app.web import errors
from app.web.headers import SecurityHeaders, Write

F = TypeVar("F", bound=Callable[..., Any])
_ASCII = "".join(map(chr, range(128)))
_WHOLE = 200, 400, 401  # of answers that lead nowhere and have a body
_log = logging.getLogger("signed_out.errors")


def init_app(app: Flask) -> None:
    """Catch what no other part of *app* has caught."""
    app.wsgi_app = LastWord(app.wsgi_app, partial(_apologize, app), hsts=settings().hsts)  # type: ignore[method-assign]


class NoSession(SessionInterface):
    """No signed session cookie: a copy of one would survive a sign-out."""

    _empty = NullSession()  # which refuses every change

    def open_session(self, app: Flask, request: object) -> NullSession:
        return self._empty

    def save_session(self, app: Flask, session: object, response: object) -> None:
        """There is nothing to save."""


@cache
def _scopes(endpoint: str | None) -> list[str]:
    """Return the scopes of hooks: its blueprints, the innermost first, and, except for machine endpoints, visitors."""
    outer = [*accumulate((endpoint or "").split(".")[:-1], "{}.{}".format)][::-1]
    return outer if outer and outer[0] in Machines.without_cookies else [*outer, VISITORS]


class SiteRequest(Request):
    """A request whose query is ASCII (RFC 3986): Werkzeug fails at bytes that are not UTF-8, which only programs
    send."""

    max_content_length = MOST_BODY

    def __init__(self, *given: Any, **more: Any) -> None:
        super().__init__(*given, **more)
        if not self.query_string.isascii():
            self.query_string = quote(self.query_string, safe=_ASCII).encode()

    @property
    def authorization(self) -> Authorization | None:
        """The credentials of the header, if it is ASCII: at others, too, Werkzeug fails."""
        header = self.environ.get("HTTP_AUTHORIZATION", "")
        return Authorization.from_header(header) if header.isascii() else None

    @property
    def blueprints(self) -> list[str]:
        return _scopes(self.endpoint)


class SiteResponse(Response):
    """A redirect to an address as it is: Werkzeug would normalise it, and apps compare characters."""

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if not self._is_whole or environ["REQUEST_METHOD"] == "HEAD":
            return super().__call__(environ, start_response)
        start_response(self.status, self.headers.to_wsgi_list())
        return self.iter_encoded()

    @property
    def _is_whole(self) -> bool:
        """Whether Werkzeug has nothing to add or change before it is sent."""
        return (
            self.status_code in _WHOLE and "Content-Length" in self.headers and self.is_sequence and not self._on_close
        )

    def get_wsgi_headers(self, environ: WSGIEnvironment) -> Headers:
        found = super().get_wsgi_headers(environ)
        if self.location and self.location.isascii():
            found["Location"] = self.location
        return found


class Application(Flask):
    """Flask, in which nothing that runs after a view can take its answer away."""

    request_class = SiteRequest
    response_class = SiteResponse
    session_interface = NoSession()

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Bind the rules to *request*. Flask first looks for a subdomain, which no rule has: that is a tenth of a small
        answer."""
        if request is None:
            return None
        asked = request.query_string.decode()
        place = request.host, request.root_path, "", request.scheme
        return MapAdapter(self.url_map, *place, request.path, request.method, asked)

    def ensure_sync(self, func: F) -> F:
        """Return *func*: no hook here is a coroutine, and checking each one costs more than most of them do."""
        return func

    def handle_exception(self, e: Exception) -> Response:
        try:
            return super().handle_exception(e)
        except Exception as problem:
            _log.exception("the page of an error cannot be shown")
            return self.finalize_request(errors.bare(problem, self, context.request().path), from_error_handler=True)

    def make_response(self, rv: Any) -> Response:
        """Return the answer of a view. Flask looks what else it could be before it takes one that is made."""
        if type(rv) is Response:
            rv.__class__ = SiteResponse
            return rv
        return super().make_response(rv)

    def preprocess_request(self) -> ResponseReturnValue | None:
        """Call the hooks before a view, as Flask does: here nothing looks at the values of an address."""
        for hook in self._before(context.request().endpoint):
            answer: ResponseReturnValue | None = hook()
            if answer is not None:
                return answer
        return None

    @cached_property
    def _before(self) -> Callable[..., Any]:
        """The hooks before a request for an endpoint, collected once: none is added after the first request."""

        @cache
        def collect(endpoint: str | None) -> list[Callable[[], Any]]:
            scopes = (None, *reversed(_scopes(endpoint)))
            return [hook for scope in scopes for hook in self.before_request_funcs.get(scope, ())]

        return collect

    @cached_property
    def _after(self) -> Callable[..., Any]:
        """The same after a request."""

        @cache
        def collect(endpoint: str | None) -> list[Callable[[Response], Response]]:
            scopes = (*_scopes(endpoint), None)
            return [hook for scope in scopes for hook in reversed(self.after_request_funcs.get(scope, ()))]

        return collect

    def process_response(self, response: Response) -> Response:
        """Let each hook change the answer; a hook that fails leaves it as it was."""
        here: RequestContext = request_ctx._get_current_object()  # type: ignore[attr-defined]
        for hook in (*here._after_request_functions, *self._after(here.request.endpoint)):
            try:
                response = hook(response)
            except Exception:
                _log.exception("after a request")
        return response

    def do_teardown_request(self, exc: BaseException | None = None) -> None:
        for function in reversed(self.teardown_request_funcs.get(None, ())):  # no blueprint has any
            try:
                function(exc)
            except Exception:
                _log.exception("at the end of a request")

    def do_teardown_appcontext(self, exc: BaseException | None = None) -> None:
        for function in reversed(self.teardown_appcontext_funcs):
            try:
                function(exc)
            except Exception:
                _log.exception("at the end of a context")


class LastWord:
    """Catches what is raised outside Flask's own handling, and while a streamed body is begun or closed."""

    def __init__(self, wsgi_app: WSGIApplication, apologize: WSGIApplication, *, hsts: bool) -> None:
        self._wsgi_app = wsgi_app
        self._apology = SecurityHeaders(apologize, hsts=hsts)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        begun: list[Any] = []
        written: list[bytes] = []
        body: Iterable[bytes] = ()

        def begin(*arguments: Any) -> Write:
            begun[:] = arguments
            return written.append

        try:
            body = self._wsgi_app(environ, begin)
            parts = iter(body)
            first = next(parts, b"")  # nothing is sent before it, so that an error can still become a page
        except Exception:
            _log.exception("before an answer was begun")
            _close(body)
            return self._apology(environ, start_response)
        start_response(*begun)
        return _Body(body, chain(written, (first,), parts))


class _Body:
    """The rest of an answer."""

    def __init__(self, body: Iterable[bytes], parts: Iterable[bytes]) -> None:
        self._body = body
        self._parts = parts

    def __iter__(self) -> Iterator[bytes]:
        # An error in the middle does leave: only so does the server cut the connection, and half a body never looks whole.
        return iter(self._parts)

    def close(self) -> None:
        _close(self._body)


def _apologize(app: Flask, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
    return errors.bare(None, app, environ.get("PATH_INFO", ""))(environ, start_response)


def _close(body: Iterable[bytes]) -> None:
    close = getattr(body, "close", None)
    if close:
        try:
            close()
        except Exception:
            _log.exception("while an answer was closed")
