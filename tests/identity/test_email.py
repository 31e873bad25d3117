"""An address of mail is kept as it was typed, and compared as mail servers may tell mailboxes apart."""

import re

import pytest

from app.identity import emails, users
from app.store.db import writing
from tests.browsers import Site

ONE_MAILBOX = [
    ("ada@example.org", "ADA@Example.ORG"),
    ("ada@example.org", "  ada@example.org\n"),
    ("jos\u00e9@example.org", "jose\u0301@example.org"),
    ("\ud55c@example.org", "\u1112\u1161\u11ab@example.org"),
    ("\u00c5sa@example.org", "\u212bsa@example.org"),
    ("ada@m\u00fcnchen.example", "ada@xn--mnchen-3ya.example"),
    ("ada@m\u00fcnchen.example", "ada@M\u00dcNCHEN.Example"),
    ("ada@m\u00fcnchen.example", "ada@mu\u0308nchen.example"),
    ("ada@m\u00fcnchen.example", "Ada@XN--MNCHEN-3YA.example"),
    ("ada@fa\u00df.example", "ada@xn--fa-hia.example"),
    ("ada@\u4f8b\u3048.jp", "ada@xn--r8jz45g.jp"),
    ("ada@\u4f8b\u3048\u3002jp", "ada@xn--r8jz45g.jp"),
    ("ada@example.org", "ada@\uff25\uff38\uff21\uff2d\uff30\uff2c\uff25.org"),
    ("ada@\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com", "ada@xn--mgba3gch31f060k.com"),
    ("\u7528\u6237@\u4f8b\u3048.jp", "\u7528\u6237@XN--R8JZ45G.jp"),
]
TWO_MAILBOXES = [
    ("wei\u00df@example.org", "weiss@example.org"),
    ("ada@fa\u00df.example", "ada@fass.example"),
    ("\u00e4rger@example.org", "\u00c4rger@example.org"),  # whose case is its host's to judge
    ("\u03b1\u03b4\u03b1@example.org", "\u0391\u0394\u0391@example.org"),
    ("\u03c3\u03c2@example.org", "\u03c3\u03c3@example.org"),
    ("i@example.org", "\u0131@example.org"),
    ("\ufb01nn@example.org", "finn@example.org"),
    ("\uff41da@example.org", "ada@example.org"),
    ("a.da@example.org", "ada@example.org"),
    ("ada+site@example.org", "ada@example.org"),
    ("ada@example.org", "ada@example.com"),
    ("jose@example.org", "jos\u00e9@example.org"),
    ("ada@\u0646\u0627\u0645\u0647\u200c\u0627\u06cc.com", "ada@\u0646\u0627\u0645\u0647\u0627\u06cc.com"),
]
REFUSED = [
    ("ada\u200b@example.org", "U+200B (zero width space)"),
    ("ada@example.org\u2060", "U+2060 (word joiner)"),
    ("\ufeffada@example.org", "U+FEFF (zero width no-break space)"),
    ("ada@exa\u00admple.org", "U+00AD (soft hyphen)"),
    ("ada\u202e@example.org", "U+202E (right-to-left override)"),
    ("ada\u200d@example.org", "U+200D (zero width joiner)"),
    ("ada@exa\u200cmple.org", "U+200C (zero width non-joiner)"),  # where no joiner may be
    ("ada\u3164@example.org", "U+3164 (hangul filler)"),
    ("ada" + "\u0301" * 20 + "@example.org", "joined into one, such as U+0301"),
    ("a b@example.org", "U+0020 (space)"),
    ("a\u00a0b@example.org", "U+00A0 (no-break space)"),
    ("ada@example.org\r\nBcc: eve@example.org", "U+000D (line break)"),
    ("ada\x00@example.org", "U+0000 (control character)"),
    ("\ud83dda@example.org", "U+D83D"),
    ("ada", "in the form name@example.org"),
    ("ada@", "in the form name@example.org"),
    ("@example.org", "in the form name@example.org"),
    ("ada@example..org", "in the form name@example.org"),
    ("ada@xn--a.example", "in the form name@example.org"),
    ("ada@[127.0.0.1]", "in the form name@example.org"),
    ("a" * 65 + "@example.org", "in the form name@example.org"),
    ("\u0958" * 64 + "@example.org", "in the form name@example.org"),  # longer once it is normalized
]


@pytest.mark.parametrize(("one", "other"), ONE_MAILBOX, ids=ascii)
def test_two_spellings_of_one_mailbox_are_the_same(one: str, other: str) -> None:
    assert emails.mailbox(one) == emails.mailbox(other)
    emails.check(one.strip())
    emails.check(other.strip())


@pytest.mark.parametrize(("one", "other"), TWO_MAILBOXES, ids=ascii)
def test_two_mailboxes_are_two(one: str, other: str) -> None:
    assert emails.mailbox(one) != emails.mailbox(other)


@pytest.mark.parametrize(("typed", "fault"), REFUSED, ids=lambda text: ascii(text[:30]))
def test_a_malformed_address_is_refused_and_an_invisible_character_is_named(typed: str, fault: str) -> None:
    with pytest.raises(ValueError, match=re.escape(fault)):
        emails.check(typed)


@pytest.mark.parametrize(
    "typed", ["", "@", "ada", "a@@b", "ada@" + "a" * 300, "ada@-.example", "\u0301@\u0301", "ada@." * 90]
)
def test_anything_typed_to_sign_in_can_be_compared(typed: str) -> None:
    assert emails.mailbox(typed) == emails.mailbox(emails.mailbox(typed))


@pytest.mark.page
@pytest.mark.parametrize(
    ("one", "other"), [("Ada@M\u00fcnchen.example", "ada@xn--mnchen-3ya.example"), ("jose\u0301@example.org", "Jos\u00e9@example.org")], ids=ascii
)  # fmt: skip
def test_an_address_is_shown_as_it_was_typed_and_signs_in_in_either_spelling(site: Site, one: str, other: str) -> None:
    ada = site.browser()
    for first, second in ((one, other), (other, one)):
        assert ada.sign_up(f" {first} ").status_code == (303 if first == one else 422)
        assert "has an account already" in site.browser().sign_up(second).text
        assert site.browser().sign_in(second).status_code == 303
    assert site.query("SELECT email FROM users") == [(one,)]
    assert one in ada.get("/account").text


@pytest.mark.page
def test_two_mailboxes_have_an_account_each(site: Site) -> None:
    for address, password in (
        ("wei\u00df@example.org", "nine quiet walruses"),
        ("weiss@example.org", "ten violet otters"),
    ):
        assert site.browser().sign_up(address, password).status_code == 303
    assert site.browser().sign_in("WEI\u00df@example.org", "nine quiet walruses").status_code == 303
    assert site.browser().sign_in("wei\u00df@example.org", "ten violet otters").status_code == 422
    assert site.browser().sign_in("Weiss@example.org", "ten violet otters").status_code == 303


@pytest.mark.page
def test_an_invisible_character_in_an_address_is_named_wherever_it_is_typed(site: Site) -> None:
    site.member()
    for page in (site.browser().sign_up("ada\u200b@example.org"), site.browser().sign_in("ada\u200b@example.org")):
        assert page.status_code == 422
        assert "This address holds U+200B (zero width space), which cannot be seen. Type it without." in page.text


@pytest.mark.page
@pytest.mark.parametrize(
    "kept", ["\u2764\ufe0f@example.org", "\u845b\U000e0100@example.org", "ada\u3164@example.org"], ids=ascii
)
def test_an_older_account_keeps_its_address_with_what_cannot_be_seen(site: Site, kept: str) -> None:
    site.member("ada@example.org")
    with site.app.app_context(), writing():
        user = users.find("ada@example.org")
        assert user is not None
        user.email, user.mailbox, user.email_is_folded = kept, emails.mailbox(kept), True
    assert site.browser().sign_in(kept).status_code == 303
    wrong = site.browser().sign_in(kept, "wrong wrong")
    assert "Email or password is not right." in wrong.text
    assert "which cannot be seen" in wrong.text
    assert site.run("users", "disable", kept).output == "Disabled; 2 sessions ended.\n"
    assert site.browser().sign_in(kept).status_code == 422


@pytest.mark.page
def test_guesses_count_for_the_account_however_its_address_is_spelled(site: Site) -> None:
    site.browser().sign_up("ada@m\u00fcnchen.example")
    guesser = site.browser(address="203.0.113.1")
    spellings = [
        "ada@m\u00fcnchen.example",
        "ADA@xn--mnchen-3ya.example",
        "ada@mu\u0308nchen.example",
        "ada@M\u00dcNCHEN.example",
    ]
    answers = [guesser.sign_in(spelling, "wrong wrong").status_code for spelling in spellings * 3]
    assert answers == [422] * 10 + [429] * 2


@pytest.mark.page
def test_an_administrator_finds_a_person_by_any_spelling(site: Site) -> None:
    site.browser().sign_up("ada@m\u00fcnchen.example", name="Ada of Munich")
    root = site.member("root@example.org")
    site.run("users", "admin", "root@example.org")
    assert "Ada of Munich" in root.get("/admin?q=ada@xn--mnchen-3ya.example").text
