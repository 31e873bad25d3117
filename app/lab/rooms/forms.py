"""The forms of a workshop."""

from wtforms import Form, StringField

from app.web.forms import name_field


class Opening(Form):
    name = name_field("Name of the room", "Give the room a name.", longest=80)


class Door(Form):
    code = StringField("Code")


class Join(Form):
    nickname = name_field("Nickname", "Enter a nickname.", longest=40)
