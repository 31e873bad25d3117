"""Every form, its fields and what they accept."""

from collections.abc import Callable
from functools import partial
from typing import Any

import wtforms
from flask import render_template, request
from jinja2 import pass_context
from jinja2.runtime import Context
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, HiddenField, PasswordField, StringField
from wtforms.validators import DataRequired, InputRequired, StopValidation, ValidationError

from app import names
from app.identity import emails, guesses, passwords
from app.identity.users import Account


class Form(wtforms.Form):
    """A form, which also knows whether it was sent."""

    def validate_on_submit(self) -> bool:
        """Return whether this request has sent the form, and all of it is right."""
        return request.method == "POST" and self.validate()


def page(template: str, form: Form, **about: Any) -> tuple[str, int]:
    """Return the page of *form*, and its status: 422 if the form was sent and did not do."""
    return render_template(template, form=form, **about), 422 if request.method == "POST" else 200


@pass_context
def is_wrong(context: Context) -> bool:
    """Return whether a form on the page has an error: its title says so first."""
    return any(isinstance(value, wtforms.Form) and value.errors for value in context.get_all().values())


def _strip(value: str | None) -> str | None:
    return value.strip() if value else value


def name_field(label: str, missing: str, longest: int) -> StringField:
    """Return the field of a name that others see. Left empty, it asks for one by *missing*."""
    return StringField(label, [DataRequired(missing)], [partial(_name, longest=longest)])


def _name(typed: str | None, longest: int) -> str | None:
    return names.read(typed, longest) if typed else typed


def _sent(_form: Form, field: Any) -> None:
    if field.data is None:
        raise ValidationError("Send a name, or an empty one.")


def _judged(judge: Callable[[str], None]) -> Callable[[Form, Any], None]:
    """Return a validator that shows why *judge* raised ValueError."""

    def check(_form: Form, field: Any) -> None:
        try:
            judge(field.data)
        except ValueError as problem:
            raise ValidationError(str(problem)) from problem

    return check


def _email_field(judge: Callable[[str], None]) -> StringField:
    """Return a field for an address, which is no `type=email`: browsers would rewrite its domain as an A-label."""
    checks = [InputRequired("Enter your email address."), _at_most(emails.LONGEST_ADDRESS), _judged(judge)]
    keyboard = {"inputmode": "email", "autocapitalize": "none", "spellcheck": "false"}
    return StringField("Email", checks, [_strip], render_kw=keyboard)


def _at_most(longest: int) -> Callable[[Form, Any], None]:
    """Limit a field here, and not in the browser: a `maxlength` cuts what is pasted without a word."""

    def check(_form: Form, field: Any) -> None:
        if len(field.data or "") > longest:
            raise StopValidation(f"Use up to {longest} characters.")  # nothing else looks at it

    return check


def new_password(form: Any, field: Any) -> None:
    """Refuse common passwords and control characters; demand no kinds of characters (ASVS 5.0, 6.2)."""
    if found := names.control(field.data):
        raise ValidationError(f"A password cannot hold {names.describe(found)}. Leave it out.")
    password = passwords.spelled(field.data)
    if not 8 <= len(password) <= 128:
        raise ValidationError(f"Use 8 to 128 characters. This has {len(password)}.")
    if guesses.include(password, form.about()):
        raise ValidationError("This password is among the first that an attacker would guess. Choose another.")


def text(field: StringField) -> str:
    """Return what was typed."""
    return field.data or ""


_NEW_PASSWORD = [InputRequired("Choose a password."), new_password]
_PASSWORD = [InputRequired("Enter your password."), _at_most(passwords.LONGEST_PASSWORD)]


class NewName(Form):
    name = name_field("Name", "Enter your name.", longest=80)


class SignUp(NewName):
    email = _email_field(emails.check)
    password = PasswordField("Password", _NEW_PASSWORD)
    next = HiddenField()

    def about(self) -> list[str]:
        return [text(self.email), text(self.name)]


class SignIn(Form):
    email = _email_field(emails.check_readable)
    password = PasswordField("Password", _PASSWORD)
    keep = BooleanField("Keep me signed in")
    next = HiddenField()

    def fail(self) -> None:
        """Add the error of a failed sign-in, and name an invisible character of the address: it may be why."""
        self.password.errors = ["Email or password is not right."]
        try:
            emails.check_visible(text(self.email))
        except ValueError as problem:
            self.email.errors = [str(problem)]


class Recover(Form):
    email = _email_field(emails.check_readable)


class _Owned(Form):
    """A form about the account of *owner*."""

    def __init__(self, sent: MultiDict[str, str] | None, owner: Account) -> None:
        super().__init__(sent)
        self._owner = owner


class NewAddress(_Owned):
    email = _email_field(emails.check)

    def validate_email(self, field: Any) -> None:
        if self._owner.verified_at is not None and field.data == self._owner.email:
            raise ValidationError("This is your address already, and it is verified.")


class Proof(Form):
    """A proof of identity. *action*: what it is for; *next*: where to go on."""

    action = HiddenField()
    next = HiddenField()


class Confirm(Proof):
    password = PasswordField("Password", _PASSWORD)


def code_field() -> StringField:
    """Return the field of a code of the authenticator app, or a recovery code."""
    keyboard = {"inputmode": "text", "autocapitalize": "none", "spellcheck": "false"}
    return StringField("Code", [InputRequired("Enter a code."), _at_most(64)], [_strip], render_kw=keyboard)


class Code(Form):
    """The second page of a sign-in."""

    code = code_field()
    next = HiddenField()


class ConfirmCode(Proof):
    code = code_field()


class Signed(Form):
    """The answer of a passkey. *stamp*: of its challenge."""

    credential = HiddenField()
    stamp = HiddenField()


class SignInPasskey(Signed):
    keep = BooleanField()
    next = HiddenField()


class SignUpPasskey(Signed, NewName):
    email = _email_field(emails.check)
    next = HiddenField()


class ConfirmPasskey(Signed, Proof):
    pass


class RenamePasskey(Form):
    name = name_field("Name", "Give the passkey a name.", longest=60)


class AddPasskey(Signed, RenamePasskey):
    end_others = BooleanField("End my other sessions")


class EndOthers(Form):
    """A change of how the user signs in, which may end their other sessions."""

    end_others = BooleanField("End my other sessions", default=True)


class NewCodes(Form):
    """Recovery codes to be good from now on. *draft*: those that the page showed, sealed."""

    draft = HiddenField()


class TurnOn(NewCodes, EndOthers):
    """An authenticator app to be added: the *draft* has its secret, too."""

    code = code_field()


class NewPassword(_Owned):
    password = PasswordField("New password", _NEW_PASSWORD)

    def about(self) -> list[str]:
        return [self._owner.email, self._owner.name]


class Claim(NewName):
    """An account for *address*, which a link has proved."""

    password = PasswordField("Password", _NEW_PASSWORD)

    def __init__(self, sent: MultiDict[str, str] | None, address: str) -> None:
        super().__init__(sent)
        self._address = address

    def about(self) -> list[str]:
        return [self._address, text(self.name)]


class AddPassword(NewPassword, EndOthers):
    """A password for an account that has none."""

    end_apps = BooleanField("Take back what I allowed apps", default=True)


class ChangePassword(AddPassword):
    current = PasswordField("Current password", _PASSWORD)

    def validate_password(self, field: Any) -> None:
        if passwords.spelled(text(field)) == passwords.spelled(text(self.current)):
            raise ValidationError("This is your password already. Choose another.")


class Rename(Form):
    name = StringField("Name", [_sent], [partial(_name, longest=60)])
