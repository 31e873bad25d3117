"""The request check: resume, else refresh, else ask to sign in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import ParamSpec, TypeVar, cast

import flask_login
from flask import Flask, Response, g, jsonify, redirect, request
from flask.typing import ResponseReturnValue
from flask_login import LoginManager
from sqlalchemy.exc import NoResultFound
from werkzeug.exceptions import Unauthorized
from werkzeug.local import LocalProxy
from werkzeug.wrappers import Response as Answer

from app import clock, context, machines
from app.capacity import admission
from app.config import settings
from app.identity import (
    access_token,
    browsers,
    demand,
    first_use,
    proof,
    refresh_token,
    session_row,
    sessions,
    suspicion,
)
from app.identity.access_token import Claims
from app.identity.lifetime import State
from app.identity.proof import Proof
from app.identity.refresh_token import Tokens
from app.identity.session import SITE, Session
from app.identity.session_row import SessionRow
from app.identity.users import Account, UserRow
from app.store.db import StoreUnavailable, db, writes, writing
from app.web import cookies, device_binding, next_page
from app.web.presented_tokens import PresentedTokens

NEW_WAY_SECONDS = 2 * 60
FACTOR_PAGE = "/account/second-factor"
P = ParamSpec("P")
R = TypeVar("R")


class Login(LoginManager):
    """Flask-Login, which asks this guard for the user, and uses neither Flask's session nor its own cookie."""

    def _load_user(self) -> None:
        g._login_user = user_or_anonymous()


login = Login()  # type: ignore[no-untyped-call]


@dataclass(frozen=True)
class Visit:
    """A request by a user who is signed in, with the access token that says so."""

    access: str
    claims: Claims

    @property
    def session(self) -> SessionRow:
        return self._rows()[0]

    @property
    def user(self) -> UserRow:
        return self._rows()[1]

    def _rows(self) -> tuple[SessionRow, UserRow]:
        """Return the session and its user, read by one statement, and again once this request has begun to write.

        Raises NoResultFound if they have been deleted meanwhile.
        """
        memo = vars(self)
        if memo.get("writes") != writes():
            pair = sessions.with_user(self.claims.sid)
            if pair is None:
                raise NoResultFound
            memo |= {"rows": pair, "writes": writes()}
        rows: tuple[SessionRow, UserRow] = memo["rows"]
        return rows

    def lives(self) -> bool:
        """Return whether its session goes on, as far as its row says."""
        try:
            return self.session.state(clock.now()) is State.LIVE
        except NoResultFound:
            return False

    @property
    def is_stale(self) -> bool:
        """Whether a sensitive act needs a new proof of identity (step-up)."""
        return not (self.suffices_for(self.user) and self.has_proof_since(clock.now() - settings().step_up_seconds + 1))

    @property
    def may_open_way(self) -> bool:
        """Whether the proof is fresh enough to add a way in: a thief of these tokens would stay by it."""
        return not self.is_stale and self.has_proof_since(clock.now() - NEW_WAY_SECONDS + 1)

    def asks_again(self, *, is_act: bool = True) -> bool:
        """Return whether the user has to prove their identity first; for an act, `asks_anew` counts too."""
        return self.is_stale or (is_act and self.asks_anew())

    def asks_anew(self) -> bool:
        """Return whether an act of a bound session needs a new proof of its user, however fresh the last one is.

        First it asks the device: that aborts the request, which then comes again.
        """
        return device_binding.asks_again(self.claims.sid, self.claims.auth_time)

    @property
    def has_factor(self) -> bool:
        """Whether the proof that these tokens carry includes a second factor."""
        return proof.has_factor(self.claims.amr)

    def suffices_for(self, owner: Account) -> bool:
        """Return whether the proof that these tokens carry, if it is fresh, is enough to change the account of *owner*."""
        return proof.suffices(self.claims.amr, asks_factor=demand.asks(owner))

    @cached_property
    def is_confined(self) -> bool:
        """Whether these tokens lack the second factor that the operator demands: they open only what adds or proves one."""
        return demand.confines(self.user, self.claims.amr)

    @property
    def proof(self) -> Proof:
        """The proof of identity that these tokens carry."""
        return Proof(self.claims.auth_time, proof.join(*self.claims.amr) if self.claims.amr else None)

    def has_proof_since(self, at: int) -> bool:
        """Return whether the tokens of this request carry a proof of identity made at *at* or later.

        A proof belongs to them, not to the session: the holder of older tokens has not made it.
        """
        return self.claims.auth_time is not None and self.claims.auth_time >= at


def init_app(app: Flask) -> None:
    """Have Flask-Login ask only this guard: its own cookies would survive a sign-out, and its `init_app` adds their hook."""
    app.login_manager = login  # type: ignore[attr-defined]
    machines.after_visitors(app, _hand_back)


def visit() -> Visit | None:
    """Return the visit of this request, or None for a visitor who is not signed in, or who is confined, away from the
    pages of `without_factor`. Decided once a request."""
    found = _visit()
    return None if found and found.is_confined and not _takes_confined() else found


def user() -> Account | None:
    """Return the user who is signed in, or None."""
    found = visit()
    return found.user if found else None


def user_or_anonymous() -> Account:
    """Return the user who is signed in, or Flask-Login's anonymous one."""
    return cast(Account, user() or login.anonymous_user())


current_user = cast(Account, LocalProxy(user_or_anonymous))


def is_confined() -> bool:
    """Return whether the visitor is signed in, and this page is closed to them until they have proved a second factor."""
    return _visit() is not None and visit() is None


def without_factor(view: Callable[P, R]) -> Callable[P, R]:
    """Open a view to a session that lacks the demanded second factor. To other views, it is not signed in."""
    view.takes_confined = True  # type: ignore[attr-defined]
    return view


def peek() -> str | None:
    """Return the id of the live session whose tokens came with this request. Neither refreshes nor counts as activity."""
    access, refresh = cookies.read(cookies.ACCESS), cookies.read(cookies.REFRESH)
    claims = _check(access) if access else None
    if claims:
        return claims.sid
    link = refresh_token.find_in_whole_log(refresh) if refresh else None
    session = link.session if link else None
    if refresh is None or session is None or session.client_id != SITE or not session.goes_on():
        return None
    sid = session.id
    if not device_binding.admits(session):
        return sid
    return sid if first_use.record_refresh(refresh) else None


def await_ends() -> None:
    """Have the answer wait until every node knows the end of each session that this browser holds dead tokens of."""
    for session in PresentedTokens.here().sessions():
        session.await_end()


def current() -> Visit:
    """Return the visit of a view behind `login_required`."""
    found = visit()
    if found is None:
        raise RuntimeError("this view must be behind login_required")
    return found


@contextmanager
def acting() -> Iterator[Session]:
    """Write on behalf of the current session, unless it was ended since the request began.

    Tokens that the block renews are handed back only if it is committed.
    """
    before, new_cookies = current(), g.get("new_cookies", {})
    try:
        with writing():
            session = sessions.lock(current().claims.sid)  # not of the row, which `writing` has let go
            if session is None or not session.goes_on():
                raise Unauthorized
            yield session
    except BaseException:
        _become(before)
        g.new_cookies = new_cookies
        raise


@contextmanager
def acting_in_line() -> Iterator[Session]:
    """Do the same for an act that may end many sessions, which waits in a line first. Raises Full."""
    with admission.turn("endings"), acting() as session:
        yield session


def login_required(view: Callable[P, R]) -> Callable[P, R]:
    """Keep a view for signed-in users: Flask-Login's decorator, with its type."""
    protected: Callable[P, R] = flask_login.login_required(view)
    return protected


def proved(view: Callable[P, ResponseReturnValue]) -> Callable[P, ResponseReturnValue]:
    """Require a fresh proof of identity for a view: with the second factor, if the user has one."""

    @login_required
    @wraps(view)
    def ask_first(*args: P.args, **named: P.kwargs) -> ResponseReturnValue:
        asks = current().asks_again(is_act=request.method == "POST")
        return ask_for_proof() if asks else view(*args, **named)

    return ask_first


def ask_for_proof() -> Answer:
    """Lead to the page that asks for a proof of identity, and then back to this one."""
    return redirect(next_page.address("/confirm", request.path if request.method == "POST" else next_page.here()), 303)


def ask_for_factor() -> ResponseReturnValue:
    """Lead to the page where the second factor that is demanded is added or proved, and then back to this one."""
    if wants_json():
        return jsonify(error="second_factor_required"), 403
    return redirect(next_page.address(FACTOR_PAGE, "/" if request.method == "POST" else next_page.here()), 303)


def forget_visitor() -> None:
    """Treat this request as a stranger's from here on: it neither refreshes nor hands back cookies."""
    _become(None)
    g.new_cookies = {}


def hide_visitor() -> None:
    """Show no visitor on the page, and look nothing up for it. Renewed tokens are still handed back."""
    _become(None)


def renew(tokens: Tokens) -> Visit:
    """Go on with new tokens, which the answer will carry."""
    g.new_cookies = cookies.pair(tokens)
    renewed = Visit(tokens.access, tokens.claims)
    _become(renewed)
    return renewed


def hand_back(response: Answer, tokens: Tokens | None = None) -> None:
    """Add the cookies that this request renewed, or those of *tokens*, to *response*."""
    cookies.sign_in(response, cookies.pair(tokens) if tokens else g.get("new_cookies", {}))


def _become(found: Visit | None) -> None:
    """Make this the visit of the request from here on."""
    g.visit = found
    g.pop("_login_user", None)  # the current user of Flask-Login, which then asks again


def _visit() -> Visit | None:
    here = context.g()
    if "visit" not in here:
        here.visit = _resume() or _refresh()
    found: Visit | None = here.visit
    return found


def _takes_confined() -> bool:
    view = context.app().view_functions.get(request.endpoint or "")
    return getattr(view, "takes_confined", False)


def _resume() -> Visit | None:
    token = cookies.read(cookies.ACCESS)
    claims = _check(token) if token else None
    if token is None or claims is None:
        return None
    visit = Visit(token, claims)
    return visit if visit.lives() and device_binding.admits(visit.session) and _admits(visit.session, claims) else None


def _check(token: str) -> Claims | None:
    """Accept a token of this site's own pages. An app's token, put into the cookie, signs no user in."""
    claims = access_token.check(token)
    if not isinstance(claims, Claims) or claims.client_id != SITE:
        return None
    if not first_use.is_recorded(claims) and _is_copy(claims.sid):
        return claims
    refresh = cookies.read(cookies.REFRESH)
    if claims.link is None and refresh:  # issued by an older version: its refresh token alone says which link it is of
        return claims if first_use.record_refresh(refresh) else None
    return claims if first_use.record(claims) else None


def _is_copy(sid: str) -> bool:
    """Return whether the session is bound and this request lacks its device's proof: then it notes no use of a token."""
    session = session_row.find(sid) if settings().https else None
    return session is not None and not device_binding.admits(session)


def _admits(session: SessionRow, claims: Claims) -> bool:
    """Return whether it may be used from here, and note that it was."""
    here = browsers.here()
    try:
        if not suspicion.judge_use(session, here):
            return False
        refresh_token.note_use(session, claims, here)
    except StoreUnavailable:
        # The page can still be read: the list misses this use, which alone is no reason to refuse.
        db.session.rollback()
        known = session_row.find(claims.sid)
        if known is None:
            return False
        if suspicion.refuses(known, here):
            raise
    return True


def _refresh() -> Visit | None:
    token = cookies.read(cookies.REFRESH)
    if token is None:
        return None
    tokens = refresh_token.rotate(token, client_id=SITE, browser=browsers.here(), admits=device_binding.admits)
    if tokens is None:
        # Its cookies stay: a request that lost a race must not remove the winner's cookies.
        return None
    return renew(tokens)


def _hand_back(response: Response) -> Response:
    hand_back(response)
    return response


@login.unauthorized_handler  # type: ignore[untyped-decorator]
def ask_to_sign_in() -> ResponseReturnValue:
    if request.method == "POST":  # it may have asked for an end that came before it, as a second press does
        await_ends()
    if is_confined():
        return ask_for_factor()
    if wants_json():
        return jsonify(error="sign_in_required"), 401
    return redirect(next_page.address("/sign-in", "/" if request.method == "POST" else next_page.here()), 303)


def wants_json() -> bool:
    """Return whether the client asked for JSON rather than a page."""
    return request.accept_mimetypes.best_match(["text/html", "application/json"]) == "application/json"
