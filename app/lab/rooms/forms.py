"""The forms of a workshop."""

from typing import Any

from wtforms import Form, StringField
from wtforms.validators import InputRequired, Length, ValidationError


def _tidy(value: str | None) -> str | None:
    return " ".join(value.split()) if value else value


def _printable(_form: Form, field: Any) -> None:
    if not (field.data or "").isprintable():
        raise ValidationError("Use letters, digits and signs only.")


class Opening(Form):
    name = StringField(
        "Name of the room",
        [InputRequired("Give the room a name."), Length(1, 80, "Use up to 80 characters."), _printable],
        [_tidy],
    )


class Door(Form):
    code = StringField("Code")


class Join(Form):
    nickname = StringField(
        "Nickname",
        [InputRequired("Enter a nickname."), Length(1, 40, "Use up to 40 characters."), _printable],
        [_tidy],
    )
