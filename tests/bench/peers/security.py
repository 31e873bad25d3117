"""Flask-Security on SQLite, as its documentation begins, with a page about as large as the account page."""

import os

from flask import Flask, render_template_string
from flask_security import Security, SQLAlchemyUserDatastore, auth_required, current_user, hash_password, login_user
from flask_security.models import fsqla_v3 as fsqla
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import event

app = Flask(__name__)
app.config |= {
    "SECRET_KEY": "x" * 64,
    "SECURITY_PASSWORD_SALT": "1" * 32,
    "SQLALCHEMY_DATABASE_URI": os.environ["DATABASE_URL"],
    "SQLALCHEMY_ENGINE_OPTIONS": {"pool_pre_ping": True},
    "SECURITY_TRACKABLE": False,
    "WTF_CSRF_ENABLED": False,
    "SESSION_COOKIE_SAMESITE": "Lax",
}
db = SQLAlchemy(app)
fsqla.FsModels.set_db_info(db)


class Role(db.Model, fsqla.FsRoleMixin):
    pass


class User(db.Model, fsqla.FsUserMixin):
    pass


app.security = Security(app, SQLAlchemyUserDatastore(db, User, Role))

PAGE = """<!DOCTYPE html><html lang="en"><head><title>{% block title %}Account{% endblock %}</title></head><body>
<nav><ul>{% for name in ("Devices", "Activity", "Account") %}<li><a href="/{{ name | lower }}">{{ name }}</a></li>{% endfor %}</ul></nav>
<main><h1>Account</h1><dl>{% for name, value in facts %}<div><dt>{{ name }}</dt><dd>{{ value }}</dd></div>{% endfor %}</dl>
<form action="/logout" method="post"><button>Sign out</button></form></main></body></html>"""


@app.get("/api/me")
@auth_required("token")
def me() -> dict[str, str]:
    return {"sub": current_user.fs_uniquifier, "email": current_user.email}


@app.get("/account")
@auth_required("session")
def account() -> str:
    facts = [(f"Fact {number}", current_user.email) for number in range(10)]
    return render_template_string(PAGE, facts=facts)


@app.post("/bench/session")
def begin() -> dict[str, str]:
    user = app.security.datastore.find_user(email="ada@example.org")
    login_user(user)
    return {"token": user.get_auth_token()}


with app.app_context():
    event.listen(db.engine, "connect", lambda raw, _: raw.execute("PRAGMA journal_mode=WAL"))
    db.create_all()
    if not app.security.datastore.find_user(email="ada@example.org"):
        app.security.datastore.create_user(email="ada@example.org", password=hash_password("password"))
        db.session.commit()
