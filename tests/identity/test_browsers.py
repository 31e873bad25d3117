"""How browsers are named, by what they say of themselves."""

import pytest

from app.identity import browsers
from tests.browsers import AGENTS

IPAD = "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"
ANDROID_TABLET = (
    "Mozilla/5.0 (Linux; Android 15; SM-X910) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"
)


@pytest.mark.parametrize(
    ("user_agent", "label", "kind"),
    [
        (AGENTS["Firefox on Linux"], "Firefox on Linux", "desktop"),
        (AGENTS["Chrome on Android"], "Chrome on Android", "phone"),
        (IPAD, "Safari on iOS", "tablet"),
        (ANDROID_TABLET, "Chrome on Android", "tablet"),
        ("curl/8.17.0", "curl", "script"),
        ("", "Unknown browser", "script"),
    ],
)
def test_a_browser_is_named_by_its_family_system_and_kind(user_agent: str, label: str, kind: str) -> None:
    found = browsers.describe(user_agent)
    assert (found.label, found.kind) == (label, kind)


def test_no_browser_is_named_without_a_user_agent() -> None:
    assert browsers.label(None) is None
