"""A person who has used all of the site, and a look at what it keeps."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Table, select
from werkzeug.test import TestResponse

from app.identity import factors, half, users
from app.store.db import Model, db, writing
from tests import passkeys
from tests.browsers import PASSWORD, Browser, Site, form
from tests.oauth.flow import Flow
from tests.oauth.logout.conftest import Grant, Party

EMAIL, NAME = "ada.lovelace@example.org", "Ada Lovelace"
HOME, TRAIN = "198.51.100.7", "203.0.113.80"
LAPTOP = "Ada’s laptop"
AGENT = "rv:145.0"  # of the browser that she signs up with
Places = set[tuple[str, str]]  # a table and a column


@dataclass
class Life:
    """A user with two browsers, an app in each, and a row in every table that can hold one of theirs."""

    site: Site
    laptop: Browser
    phone: Browser
    id: str
    sids: set[str]
    app: Grant
    lasting: Grant

    @classmethod
    def of(cls, site: Site, app: Party) -> "Life":
        laptop = site.browser(address=HOME)
        laptop.sign_up(EMAIL, name=NAME)
        phone = site.browser("Chrome on Android", address=HOME)
        phone.sign_in(EMAIL, password="a wrong password")
        phone.sign_in(EMAIL)
        laptop.post(f"/devices/{laptop.session()['sid']}/name", name=LAPTOP)
        laptop.post("/confirm", **form(laptop, "/confirm", password=PASSWORD, next="/devices"))
        passkeys.add(laptop)
        held, lasting = app.connect(laptop), app.connect(phone, offline=True)
        ended = site.browser()
        ended.sign_in(EMAIL)
        app.connect(ended)
        ended.sign_out()
        app.told()
        left = site.browser()
        left.sign_in(EMAIL)
        app.connect(left)
        left.sign_out()  # and the app is not told yet
        Flow(app.app, scope="openid").allow(laptop)
        laptop._address = TRAIN
        laptop.get("/account")
        [(user_id,)] = site.query("SELECT id FROM users WHERE email = :email", email=EMAIL)
        leave_codes(site, user_id)
        sids = {sid for (sid,) in site.query("SELECT id FROM sessions WHERE user_id = :id", id=user_id)}
        return cls(site, laptop, phone, user_id, sids, held, lasting)


def leave_codes(site: Site, user_id: str) -> None:
    """Leave what an authenticator app would bring, though no code is asked for."""
    with site.app.app_context(), writing():
        user = users.lock(user_id)
        factors.replace_codes(user, factors.new_codes())
        half.begin(user, user.password_version, amr="pwd", keep=False)


def delete(browser: Browser, password: str = PASSWORD) -> TestResponse:
    """Press Delete my account, and give the password that it asks for."""
    asked = browser.post("/account/delete", **form(browser, "/account/data"))
    assert asked.location == "/confirm?action=delete"
    return browser.post("/confirm", **confirmation(browser, password))


def confirmation(browser: Browser, password: str = PASSWORD) -> dict[str, str]:
    return form(browser, "/confirm?action=delete", action="delete", password=password)


def find(site: Site, *needles: str) -> Places:
    """Read every cell of every table, and return where one of *needles* is in it."""
    return {
        (table.name, column)
        for table in Model.metadata.sorted_tables
        for row in _rows(site, table)
        for column, value in row.items()
        if any(needle in spelled for needle in needles for spelled in _spellings(value))
    }


def _rows(site: Site, table: Table) -> list[dict[str, Any]]:
    with site.app.app_context(), db.engine.connect() as connection:
        return [dict(row) for row in connection.execute(select(table)).mappings()]


def _spellings(value: Any) -> tuple[str, ...]:
    if isinstance(value, bytes):
        return (value.decode(errors="replace"), value.hex())
    return (str(value),)


def at_once(*acts: Callable[[], Any]) -> None:
    """Do these in as many threads, as nearly at one time as can be."""
    ready = threading.Barrier(len(acts))

    def run(act: Callable[[], Any]) -> None:
        ready.wait()
        act()

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
