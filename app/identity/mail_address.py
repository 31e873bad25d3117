"""The address of an account: proved by a link, changed, and used for recovery.

A link that was sent to an address proves it, and gives it to the account. Another account that holds it unverified loses it;
a verified one keeps it.
"""

from app import clock
from app.config import settings
from app.identity import activity, emails, letters, sessions, users
from app.identity.session import Reason
from app.identity.users import User
from app.mail import links, outbox
from app.mail.links import Link, Purpose
from app.store.db import db

_LOST = "lost.invalid"  # leads nowhere (RFC 2606)


def ask_proof(user: User, address: str | None = None) -> None:
    """Send a link that proves *address* to be this user's: by default the one of the account.

    Earlier ones are void. Must run inside `db.writing`.
    """
    links.withdraw(user.id, (Purpose.VERIFY,))
    found = address or user.email
    link = links.make(Purpose.VERIFY, user.id, found)
    outbox.post(letters.verify(user.name, settings().site_url, link), found, user.id)


def ask_change(user: User, new: str) -> None:
    """Send the links that change the address: a verified one has to agree, an unverified one is not asked.

    Must run inside `db.writing`.
    """
    if user.verified_at is None:
        ask_proof(user, new)
        return
    links.withdraw(user.id, (Purpose.MOVE_FROM, Purpose.MOVE_TO))
    site = settings().site_url
    old_link = links.make(Purpose.MOVE_FROM, user.id, user.email, about=new)
    new_link = links.make(Purpose.MOVE_TO, user.id, new, about=new)
    outbox.post(letters.move_from(user.name, new, site, old_link), user.email, user.id)
    outbox.post(letters.move_to(user.name, site, new_link), new, user.id)


def ask_recovery(typed: str) -> None:
    """Send a link to a verified address to choose a new password, to an unverified one to begin again.

    An address without an account gets the same work, and no mail. Must run inside `db.writing`.
    """
    user, site = users.find(typed), settings().site_url
    can_claim = bool(settings().smtp_url)
    owner = user if user and user.disabled_at is None and (user.verified_at is not None or can_claim) else None
    purpose = Purpose.CLAIM if owner and owner.verified_at is None else Purpose.RECOVER
    user_id, to = (owner.id, owner.email) if owner else (activity.NO_ACCOUNT, "")
    link = links.make(purpose, user_id, to, version=owner.password_version if owner else 0)
    name = owner.name if owner else ""
    letter = letters.claim(site, link) if purpose is Purpose.CLAIM else letters.recover(name, site, link)
    outbox.post(letter, to, user_id)


def send_recovery(user: User) -> None:
    """Send a verified user a link to choose a new password, as an administrator asks for. Must run inside `db.writing`."""
    site = settings().site_url
    link = links.make(Purpose.RECOVER, user.id, user.email, version=user.password_version)
    outbox.post(letters.recover(user.name, site, link, by_admin=True), user.email, user.id)


def is_current(link: Link, user: User) -> bool:
    """Return whether a recovery link still fits its account: the same verified address, and not closed.

    The password may have changed: otherwise a thief who knows it could void each link by changing it.
    """
    same = emails.mailbox(user.email) == emails.mailbox(link.address)
    return same and user.disabled_at is None and user.verified_at is not None


def recovering(token: str) -> User | None:
    """Return the account whose password this link can replace now."""
    link = links.find(token)
    user = db.session.get(User, link.user_id) if link and link.purpose == Purpose.RECOVER and link.is_open else None
    return user if link and user and is_current(link, user) else None


def holders(address: str) -> list[User]:
    """Return the accounts that hold this address."""
    return users.sharing({emails.mailbox(address)})


def lock(address: str, *user_ids: str) -> bool:
    """Lock the rows of all accounts with *address*, and of these users, in the one order.

    Return False if another account took it meanwhile. Must run inside `db.writing`.
    """
    ids = {*user_ids, *(user.id for user in holders(address))}
    for user_id in sorted(ids):
        users.lock(user_id)
    return {user.id for user in holders(address)} <= ids


def take(user: User | None, address: str) -> list[User] | None:
    """Give *address* to the account, or to one that is made next; return the accounts that have lost it.

    None, and nothing is done, if a verified account holds it. Without a mail server a link proves nothing about an
    address that another account holds: its asker may read it at /mail. Must run inside `db.writing`, after `lock`.
    """
    others = [holder for holder in holders(address) if user is None or holder.id != user.id]
    if others and (not settings().smtp_url or any(other.verified_at is not None for other in others)):
        return None
    for other in others:
        _lose(other)
    db.session.flush()  # the index lets one account have the mailbox
    if user:
        user.email, user.mailbox, user.lost = address, emails.mailbox(address), None
        user.email_is_folded = False
        user.verified_at = clock.now()
        db.session.flush()
    return others


def _lose(user: User) -> None:
    user.lost = user.compared_by
    user.email = user.mailbox = f"{user.id}@{_LOST}"
    user.email_is_folded = False
    links.withdraw(user.id)
    sessions.end_all(user.id, Reason.ADDRESS_LOST)
    activity.record("address_lost", user.id)
