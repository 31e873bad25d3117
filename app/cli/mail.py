"""`flask mail`: read and resend the mail that waits in the outbox."""

import click

from app.cli.plain import Group
from app.identity import users
from app.mail import outbox
from app.store.db import writing
from app.web import words

group = Group("mail", help="The outbox of mail.")


@group.command("list")
def list_mails() -> None:
    """List undelivered mail: its id, when it was written, its recipient, the result of the last attempt."""
    mails = outbox.waiting()
    people = users.named(mail.user_id for mail in mails)
    for mail in mails:
        owner = people.get(mail.user_id)
        click.echo(f"{mail.id}  {words.rfc3339(mail.made_at)}  {owner.email if owner else '-'}  {_state(mail)}")


@group.command("show", context_settings={"ignore_unknown_options": True})  # an id may begin with a hyphen
@click.argument("mail_id")
def show(mail_id: str) -> None:
    """Show one mail, with its link. Opening the link acts as the recipient."""
    mail = outbox.find(mail_id)
    content = mail.open() if mail else None
    if content is None:
        raise click.ClickException("There is no such mail, or it is delivered and erased.")
    click.echo(f"To: {content['to']}\nSubject: {content['subject']}\n\n{content['text']}", nl=False)


@group.command("retry")
def retry() -> None:
    """Try each waiting mail at once, after the mail server was repaired."""
    with writing():
        count = outbox.hurry()
    click.echo(f"{count} mails are due now.")


def _state(mail: outbox.Mail) -> str:
    if mail.next_at is None:
        return "not sent: there is no SMTP_URL"
    return f"{mail.answer}, next attempt {words.rfc3339(mail.next_at)}" if mail.attempts else "the first attempt is due"
