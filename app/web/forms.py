"""Every form, its fields and what they accept."""

from typing import Any

from email_validator import EmailNotValidError, validate_email
from wtforms import (
    BooleanField,
    EmailField,
    Form,
    HiddenField,
    PasswordField,
    StringField,
)
from wtforms.validators import InputRequired, Length, ValidationError
from zxcvbn.frequency_lists import FREQUENCY_LISTS

# Assembled once; a set answers at once. Those too short for us need no place in it.
_COMMON = frozenset(word for word in FREQUENCY_LISTS["passwords"] if len(word) >= 8)
_SITE_WORDS = frozenset({"signedout", "signed out", "signed-out"})


def _strip(value: str | None) -> str | None:
    return value.strip() if value else value


def _one_line(_form: Form, field: Any) -> None:
    if field.data is None or not field.data.isprintable():
        raise ValidationError("Use letters, digits and signs only.")


def _email(_form: Form, field: Any) -> None:
    try:
        # No mail is sent to prove it, so what looks like an address will do, reserved domains included.
        validate_email(field.data, check_deliverability=False, test_environment=True)
    except EmailNotValidError as problem:
        raise ValidationError("Enter an email address in the form name@example.org.") from problem


def new_password(form: Form, field: Any) -> None:
    """Refuse what is guessed first: no rules about kinds of characters (ASVS 5.0, 6.2)."""
    lowered = field.data.casefold()
    email = getattr(form, "email", None)
    own = {email.data.casefold(), email.data.casefold().partition("@")[0]} if email and email.data else set()
    if lowered in _COMMON or lowered in _SITE_WORDS or lowered in own or len(set(lowered)) < 3:
        raise ValidationError("This password is among the first that somebody would guess. Choose another.")


def text(field: StringField) -> str:
    """Return what was typed."""
    return field.data or ""


_NEW_PASSWORD = [
    InputRequired("Choose a password."),
    Length(8, 128, "Use 8 to 128 characters."),
    new_password,
]
_PASSWORD = [InputRequired("Enter your password."), Length(max=1024, message="This is too long.")]


class SignUp(Form):
    name = StringField(
        "Name", [InputRequired("Enter your name."), Length(1, 80, "Use up to 80 characters."), _one_line], [_strip]
    )
    email = EmailField("Email", [InputRequired("Enter your email address."), Length(max=254), _email], [_strip])
    password = PasswordField("Password", _NEW_PASSWORD)
    next = HiddenField()


class SignIn(Form):
    email = EmailField("Email", [InputRequired("Enter your email address."), Length(max=254)], [_strip])
    password = PasswordField("Password", _PASSWORD)
    keep = BooleanField("Keep me signed in")
    next = HiddenField()


class Confirm(Form):
    password = PasswordField("Password", _PASSWORD)
    action = HiddenField()
    next = HiddenField()


class ChangePassword(Form):
    current = PasswordField("Current password", _PASSWORD)
    password = PasswordField("New password", _NEW_PASSWORD)
    end_others = BooleanField("End my other sessions", default=True)


class Rename(Form):
    name = StringField("Name", [Length(max=60, message="Use up to 60 characters."), _one_line], [_strip])
