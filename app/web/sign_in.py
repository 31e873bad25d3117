"""Sign in: a new session. It replaces the session that this browser held.

Where the account has a second factor, the right password leads to another page, and does not sign in yet.
"""

from collections.abc import Callable
from operator import attrgetter

from flask import Blueprint, redirect, render_template, request
from flask.typing import ResponseReturnValue
from werkzeug.wrappers import Response

from app.capacity.throttle import Quota
from app.identity import activity, browsers, demand, half, known_place, proof, refresh_token, sessions, users
from app.identity.refresh_token import Tokens
from app.identity.session import SITE, Reason, Session, longest_life
from app.identity.session_row import SessionRow
from app.identity.users import User
from app.network import address
from app.oauth import clients
from app.revocation import delivery
from app.store.db import writing
from app.web import (
    attempts,
    cookie_probe,
    cookies,
    device_binding,
    forms,
    guard,
    idempotency,
    mailbox,
    next_page,
    words,
)
from app.web.presented_tokens import PresentedTokens

bp = Blueprint("sign_in", __name__)
begun = Quota("sign-ins by place", "2000 per 1 hour")


@bp.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    if request.method == "POST":
        return _attempt(forms.SignIn(request.form))
    given = next_page.arguments()
    wanted = next_page.path(given.get("next"))
    if "arrived" in given and (guard.visit() or guard.is_confined()):
        return redirect(wanted, 303)
    if _has_not_been_asked():
        return render_template("web/prove.html", wanted=wanted)
    return page(forms.SignIn(data={"next": wanted, "email": given.get("email", "")}))


def by_password(user: User) -> str | None:
    """Return what a right password proves, or None where a second factor is asked for too."""
    return None if demand.asks(user) else proof.PASSWORD


def begin(
    user: User,
    version: int,
    *,
    keep: bool,
    wanted: str | None,
    prove: Callable[[User], str | None] = by_password,
    is_first: bool = False,
    mail: str | None = None,
) -> ResponseReturnValue | None:
    """Start a session in this browser and answer with its cookies.

    The password was checked before any lock was held; if it, or the account, changed since, nothing begins. *prove* is
    called in the transaction, with the user's row locked: it returns the user's proof (see `proof`), or None if that is
    not enough, and then nothing begins either. *is_first*: the account was made just now. *mail*: the secret by which
    this browser will read its mail.
    """
    with writing():
        user = _lock(user)
        stands = user.password_version == version and user.disabled_at is None
        how = prove(user) if stands else None
        if how is None:
            return None
        name, replaced = _replace_held(user)
        for evicted in sessions.make_room(user.id):
            activity.record("session_evicted", user.id, evicted)
        is_new = not is_first and _is_new(user.id)
        session = Session.start(user, browsers.here(), keep=keep, name=name, amr=how)
        for old in replaced:
            old.hand_on(session)
        tokens = refresh_token.issue(session)
        known_place.remember(user.id, address.subnet(address.here()))
        activity.record("signed_in", user.id, session, amr=how, is_new=is_new)
        response = _arrive(tokens, wanted)
        mailbox.keep(response, mail)
        idempotency.keep(response)
    guard.forget_visitor()
    return response


def _arrive(tokens: Tokens, wanted: str | None) -> Response:
    """Give the browser its tokens, by way of /sign-in, which notices if the cookies do not come back."""
    response = redirect(next_page.address("/sign-in", wanted, arrived="1"), 303)
    guard.hand_back(response, tokens)
    device_binding.offer(response, tokens.session.origin)
    for cookie in (cookies.RECEIPT, cookies.HALF):  # the receipt may be another person's
        if cookies.read(cookie):
            cookies.drop(response, cookie)
    return response


def _is_new(user_id: str) -> bool:
    """Return whether this kind of browser, or lately this place, is new to the account."""
    here = browsers.here()
    is_seen = any(browsers.describe(agent).label == here.label for agent in sessions.agents(user_id))
    return not (is_seen and known_place.is_known(user_id, address.subnet(here.address)))


def _lock(user: User) -> User:
    """Lock the user's row, and those of the people whose sessions this browser holds: in one order, or
    two browsers that change places would wait for each other."""
    people = {user.id, *(session.user_id for session in _held())}
    return {person: users.lock(person) for person in sorted(people)}[user.id]


def _replace_held(user: User) -> tuple[str | None, list[Session]]:
    """End the sessions that this browser holds.

    Return the name the user gave one, unless it was ended before, and those that the new one replaces.
    """
    name, replaced = None, []
    for held in _held():
        session = sessions.lock(held.id)
        if session is None:
            continue
        own = session.user_id == user.id
        name = session.name if own and session.ended_entry is None else name
        if not session.end(Reason.REPLACED if own else Reason.SIGNED_OUT, actor=None if own else session.id):
            continue
        if own:
            replaced.append(session)
        else:
            activity.record("signed_out", session.user_id, session)
    return name, replaced


def _held() -> list[SessionRow]:
    """Return the sessions of this browser's tokens in one order, so that no two sign-ins wait for each other."""
    return sorted(PresentedTokens.here().sessions(), key=attrgetter("id"))


def _attempt(form: forms.SignIn) -> ResponseReturnValue:
    if not form.validate():
        return page(form)
    begun.check()
    delivery.check_ready()
    account = users.canonical(forms.text(form.email))
    user = attempts.sign_in(account, lambda: users.verify(account, forms.text(form.password)))
    if user:
        begun.spend()
        done = _go_on(user, keep=form.keep.data, wanted=form.next.data)
        return done or page(form, failed=True)
    _record_failure(users.find(account))
    return page(form, failed=True)


def _go_on(user: User, *, keep: bool, wanted: str | None) -> ResponseReturnValue | None:
    if not demand.asks(user):
        return begin(user, user.password_version, keep=keep, wanted=wanted)
    with writing():
        return ask_for_code(users.lock(user.id), amr=proof.PASSWORD, keep=keep, wanted=wanted)


def ask_for_code(user: User, *, amr: str, keep: bool, wanted: str | None) -> Response:
    """Lead to the page that asks for a second factor. Must run inside `db.writing`, with the user's row locked."""
    answer = redirect(next_page.address("/sign-in/code", wanted), 303)
    token = half.begin(user, user.password_version, amr=amr, keep=keep)
    cookies.put(answer, cookies.HALF, token, seconds=half.SECONDS)
    idempotency.keep(answer)
    return answer


def _record_failure(user: User | None) -> None:
    """Record it even if there is no such account: the time of the write would tell the two apart."""
    owner = user.id if user else activity.NO_ACCOUNT  # read before `writing` lets go of the row
    with writing():
        owner = owner if users.stays(owner) else activity.NO_ACCOUNT
        activity.record("sign_in_failed", owner, browser=browsers.here())


def page(form: forms.SignIn, *, failed: bool = False, wrong: str | None = None) -> ResponseReturnValue:
    if failed:
        form.fail()
    visit, given = guard.visit(), next_page.arguments()
    return forms.page(
        "web/sign_in.html",
        form,
        wrong=wrong,
        mends=cookie_probe.mends() if "arrived" in given and not cookies.sent() else None,
        ask=next_page.path(given.get("next")) != "/",
        ended=None if visit else _why_signed_out(),
        late="late" in given,
        replaced=replaced(),
        lasts={keep: longest_life(keep=keep) for keep in (False, True)},
    )


def _has_not_been_asked() -> bool:
    """Return whether the session is bound and another site sent the browser here: then it proves nothing.

    For a request from one of our pages, it proves its device.
    """
    was_sent = request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")
    return was_sent and guard.visit() is None and _why_signed_out() == words.UNPROVED


def replaced() -> list[str]:
    """Return the names of the apps that end with the session of this browser, which a sign-in replaces."""
    visit = guard.visit()
    hanging = sessions.apps_under(visit.session) if visit else []
    return sorted(set(clients.names(app.client_id for app in hanging).values())) if hanging else []


def _why_signed_out() -> str | None:
    """Return why the session of this browser is over, as a code. Everything else, and the code for any other dead
    token, is told only after a sign-in: this may be a copy.
    """
    token = cookies.read(cookies.REFRESH)
    link = refresh_token.find(token) if token else None
    if link is None or not link.is_newest or link.session.client_id != SITE:
        return None
    session = link.session
    return session.reason or (words.UNPROVED if session.bound_at is not None else None)
