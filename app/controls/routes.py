"""The endpoints of the test controls: JSON in, JSON out."""

from flask import Flask, jsonify
from flask.typing import ResponseReturnValue

from app import clock
from app.config import settings
from app.controls import asked, caller, minting, offset, outage, race
from app.machines import Machines

bp = Machines("controls", __name__, url_prefix="/test", beneath=("/test/",))
bp.before_request(caller.check)


def init_app(app: Flask) -> None:
    """Add the controls to *app*, if it is to have them at all."""
    if settings().test_controls:
        outage.init_app(app)
        race.init_app(app)
        app.register_blueprint(bp)


@bp.get("/clock")
def read_clock() -> ResponseReturnValue:
    return {"now": clock.now(), "seconds": clock.offset()}


@bp.post("/clock")
def move_clock() -> ResponseReturnValue:
    offset.move(asked.value("seconds", int))
    return read_clock()


@bp.get("/store")
def read_store() -> ResponseReturnValue:
    return {"down": outage.is_on()}


@bp.post("/store")
def switch_store() -> ResponseReturnValue:
    outage.switch(down=asked.value("down", bool))
    return read_store()


@bp.get("/race")
def read_race() -> ResponseReturnValue:
    return {"missing": race.missing()}


@bp.post("/race")
def force_race() -> ResponseReturnValue:
    race.force(asked.value("refreshes", int))
    return read_race()


@bp.post("/session")
def mint_session() -> ResponseReturnValue:
    email = asked.value("email", str)
    name = asked.value("name", str, email.partition("@")[0])
    form = minting.form(secure=asked.value("secure", bool, True))
    user = minting.account(email, name, asked.value("password", str, ""))
    tokens = minting.session(user, keep=asked.value("keep", bool, False))
    return {"cookies": minting.jar(tokens, form), "sid": tokens.session.id, "email": user.email}


@bp.post("/reset")
def reset() -> ResponseReturnValue:
    """Take back what the controls did to the site. Accounts and sessions stay."""
    offset.put_back()
    outage.switch(down=False)
    race.call_off()
    return {}


@bp.errorhandler(asked.BadValue)
def refuse(problem: asked.BadValue) -> ResponseReturnValue:
    return jsonify(error="invalid_request", error_description=str(problem)), 400
