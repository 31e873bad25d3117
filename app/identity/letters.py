"""The words of every mail that this site sends. Pure."""

from datetime import UTC, datetime

from app.mail.letter import Letter

_NOT_YOURS = "If you did not ask for this, do nothing: without this link, nothing changes."
_REPORT = "This wasn’t me"


def verify(name: str, site: str, link: str) -> Letter:
    return Letter(
        "Verify your address",
        (
            f"Hello {name},",
            f"You gave this address to your account at {site}. Open the link and press the button there.",
        ),
        link,
        "Verify this address",
        (
            "The link is good once, for a day. A verified address can get you back in if you forget your password.",
            "If you have no account there, do nothing: you get no more mail until this address is given there again.",
        ),
    )


def recover(name: str, site: str, link: str, *, by_admin: bool = False) -> Letter:
    forgot = f"You said at {site} that you have forgotten your password."
    asked = f"An administrator of {site} sends you this, so that you can choose a new password."
    return Letter(
        "Choose a new password",
        (
            f"Hello {name},",
            f"{asked if by_admin else forgot} Open the link to choose a new one.",
        ),
        link,
        "Choose a new password",
        ("The link is good once, for 20 minutes. It ends all your sessions, in every browser and app.", _NOT_YOURS),
    )


def claim(site: str, link: str) -> Letter:
    return Letter(
        "Start an account with this address",
        (
            f"This address was given at {site} as that of a forgotten password.",
            "There is an account with it, but its owner never proved that the address is theirs, so that account cannot be"
            " recovered. If the address is yours, you can start an account of your own with it. The other one loses it.",
        ),
        link,
        "Start an account with this address",
        ("The link is good once, for 20 minutes.", _NOT_YOURS),
    )


def move_from(name: str, new: str, site: str, link: str) -> Letter:
    return Letter(
        "Your address is to be changed",
        (
            f"Hello {name},",
            f"The address of your account at {site} is to become {new}. It changes once both addresses have agreed: open"
            " this link, and the one that was sent there.",
        ),
        link,
        "Agree to the new address",
        ("The link is good once, for a day.", "If this wasn’t you, do nothing here, and change your password."),
    )


def move_to(name: str, site: str, link: str) -> Letter:
    return Letter(
        "Verify your new address",
        (
            f"Hello {name},",
            f"Your account at {site} is to have this address. It changes once both addresses have agreed: open this link,"
            " and the one that was sent to the old address.",
        ),
        link,
        "Verify this address",
        ("The link is good once, for a day.", _NOT_YOURS),
    )


def moved(name: str, new: str, site: str) -> Letter:
    return Letter(
        "Your address has changed",
        (
            f"Hello {name},",
            f"The address of your account at {site} is now {new}. Both addresses agreed to it. No more mail comes here.",
        ),
    )


def deleted(name: str, site: str) -> Letter:
    return Letter(
        "Your account is deleted",
        (
            f"Hello {name},",
            f"Your account at {site} is deleted, with all that was kept about you there. It cannot be brought back. Every"
            " browser and app is signed out. No more mail comes from there.",
            "If this wasn’t you: the deletion took your password, or a code or a passkey of yours. Change that password"
            " wherever else you use it.",
        ),
    )


def notice(name: str, site: str, *, happened: str, where: str, at: int, does: str, link: str) -> Letter:
    return Letter(
        happened,
        (f"Hello {name},", f"{happened}: at {site}, on {_day(at)}{where}.", "If this was you, there is nothing to do."),
        link,
        _REPORT,
        (f"The link asks once more, and then {does}. It is good once, for a week, and asks for no password.",),
    )


def _day(at: int) -> str:
    moment = datetime.fromtimestamp(at, UTC)
    return f"{moment.day} {moment:%B %Y, %H:%M} UTC"
