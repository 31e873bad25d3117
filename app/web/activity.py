"""The activity page: events of this account, and the logout messages to apps."""

from dataclasses import dataclass
from operator import attrgetter

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from app import clock
from app.config import DAY
from app.identity import activity, browsers, sessions
from app.network import countries
from app.oauth.logout import messages
from app.web import devices, guard, words
from app.web.sign_out import back_channel

bp = Blueprint("activity", __name__)
LISTED_EVENTS = 50


@dataclass(frozen=True)
class Line:
    """One line of the page: *what* happened *at* (Unix seconds), and more *about* it.

    *notice*: where else its owner was told of it. *is_warning*: its owner should check that it was them. *sid*: the
    session that it was about, if the devices page may list it.
    """

    at: int
    what: str
    about: str
    notice: str | None = None
    is_warning: bool = False
    sid: str | None = None


@bp.get("/activity")
@guard.login_required
def show() -> ResponseReturnValue:
    current = guard.current().session
    since = clock.now() - devices.LISTED_DAYS * DAY
    own, events = sessions.lineage(current), activity.latest(current.user_id, LISTED_EVENTS)
    named = sessions.named(current.user_id, {event.session_id for event in events if event.session_id})
    listed = {session.id for session in named if session.ended_at is None or session.ended_at > since}
    happened = [_line(event, own, listed) for event in events]
    said = [
        Line(one.at, one.title, one.how)
        for one in back_channel.describe(messages.latest(current.user_id, LISTED_EVENTS))
    ]
    # An app is told after the end: the order counts where the second is the same.
    lines = sorted(said + happened, key=attrgetter("at"), reverse=True)[:LISTED_EVENTS]
    return render_template("web/activity.html", events=lines)


def _line(event: activity.Event, own: set[str], listed: set[str]) -> Line:
    label = browsers.label(event.user_agent)
    came = "a use of this browser’s session" if words.is_new_place(event.event) else "this browser"
    here = came if event.session_id in own else None
    how = words.proof(event.amr)
    about = filter(None, (how and f"by {how}", label, countries.beside(event.address), here))
    return Line(
        event.at,
        words.event(event.event),
        ", ".join(about),
        event.notice,
        event.notice is not None or words.is_alarming(event.event),
        event.session_id if event.session_id in listed else None,
    )
