"""Why a session was ended."""

from enum import StrEnum


class Reason(StrEnum):
    """Why a session was ended."""

    SIGNED_OUT = "signed_out"
    ENDED_ELSEWHERE = "ended_elsewhere"
    ENDED_OTHERS = "ended_others"
    ENDED_EVERYWHERE = "ended_everywhere"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a name, not a secret
    FACTOR_CHANGED = "factor_changed"
    RECOVERED = "recovered"
    ADDRESS_LOST = "address_lost"
    NOT_ME = "not_me"
    REPLACED = "replaced"
    TOO_MANY = "too_many"
    REUSE = "reuse"
    NEW_PLACE = "new_place"
    INTERRUPTED = "interrupted"  # given no more: old entries of the log have it
    REVOKED = "revoked"
    BROWSER_ENDED = "browser_ended"
    CODE_REUSED = "code_reused"
    APP_REMOVED = "app_removed"
    BY_ADMIN = "by_admin"
    DISABLED = "account_disabled"
    DELETED = "account_deleted"
