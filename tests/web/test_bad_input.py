"""Any input: never a server error, never another user's data, never an echo that is not escaped."""

import io
import os
import unicodedata
from typing import Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.browsers import ACCESS, ENDING, PASSWORD, RECEIPT, REFRESH, SITE_URL, Browser, Site, form

EXAMPLES = 1000 if os.environ.get("LONG") else 60
MARK = "<i>mark</i>"
FIELDS = ["email", "password", "name", "next", "keep", "current", "end_others", "end_apps", "action", "token", "token_type_hint",
          "grant_type", "refresh_token", "client_id", "client_secret", "scope", "done", "sid", "arrived", "at", "seen", "code", "draft", "late", "credential", "stamp"]  # fmt: skip
PATHS = ["/", "/sign-up", "/sign-in", "/sign-out", "/signed-out", "/account", "/account/password", "/account/name", "/account/email",
         "/account/email/verify", "/recover", "/recover/sent", "/links/x", "/links/%00", "/mail", "/devices",
         "/devices/{mine}/end", "/devices/{mine}/name", "/devices/{mine}/mine", "/devices/{theirs}/mine",
         "/devices/{theirs}/end", "/devices/{theirs}/name",
         "/devices/end-others", "/account/apps/{theirs}/end", "/account/apps/%00/end", "/.well-known/change-password", "/activity", "/confirm", "/live", "/sign-in/code", "/account/authenticator", "/account/authenticator/remove", "/account/recovery-codes", "/sign-in/passkey", "/sign-up/passkey", "/account/passkeys", "/account/passkeys/add", "/account/passkeys/x/name",
         "/account/passkeys/%00/remove", "/passkeys/ask/sign-in", "/passkeys/ask/sign-up", "/passkeys/ask/confirm", "/passkeys/ask/add", "/passkeys/ask/%00", "/.well-known/webauthn", "/oauth/token", "/oauth/revoke", "/oauth/jwks",
         "/oauth/authorize", "/oauth/end-session", "/oauth/introspect", "/oauth/userinfo",
         "/.well-known/oauth-authorization-server", "/api/me", "/healthz", "/nowhere", "/static/", "/static/../app.py",
         "/devices/%00/end", "/%ff", "/devices/%2e%2e/end"]  # fmt: skip
JUNK = st.one_of(
    st.text(max_size=40),
    st.sampled_from(
        [
            MARK,
            "' OR 1=1 --",
            "\x00",
            "{mine}",
            "{theirs}",
            "end:{theirs}",
            "all:",
            "//evil.example",
            "//[",
            "refresh_token",
            "ada@example.org",
            "bob@example.org",
            PASSWORD,
            "é" * 300,
            "9" * 5000,
            "[]",
            "null",
            "-1",
            "../../etc",
        ]
    ),
)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "User-Agent": st.sampled_from(["", MARK, "\xff", "Mozilla/5.0 " * 300]),
        "Accept": st.sampled_from(["*/*", "", "application/json", "text/html", "x/y;q=a", ",,,"]),
        "Authorization": st.sampled_from(
            [
                "Bearer",
                "Bearer a.b.c",
                "Bearer \xff",
                "Basic",
                "Basic !!",
                "Basic Og==",
                "Basic /w==",
                "Basic \xff",
                "Digest x",
                "Bearer " + "x" * 9000,
                "Basic " + "A" * 500,
            ]
        ),
        "Content-Type": st.sampled_from(
            [
                "application/json",
                "multipart/form-data",
                "multipart/form-data; boundary=x",
                "x",
                "application/x-www-form-urlencoded; charset=utf-16",
            ]
        ),
        "Cookie": st.builds(
            lambda name, value: f"{name}={value}",
            st.sampled_from([ACCESS, REFRESH, RECEIPT, ENDING, "session", ""]),
            st.sampled_from(["", "a.b.c", "\xff", "zz", "00", "a" * 5000, ";;=", '"', "eyJhbGciOiJub25lIn0.e30."]),
        ),
        "Host": st.sampled_from(["localhost:8000", "evil.example", "[::1", "a b", ""]),
        "X-Forwarded-For": st.sampled_from(["1.2.3.4", "x", "1.2.3.4, 5.6.7.8"]),
        "X-Forwarded-Proto": st.sampled_from(["https", "x"]),
    },
)


@pytest.fixture
def ada(site: Site) -> Browser:
    return site.member()


@pytest.fixture
def bob(site: Site) -> Browser:
    bob = site.browser()
    bob.sign_up("bob@example.org", name="Bob the Secret")
    return bob


@pytest.mark.stores("what text and numbers it takes, in every act")
@settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
@given(
    method=st.sampled_from(["GET", "POST", "POST", "HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "BREW"]),
    path=st.sampled_from(PATHS),
    sent=st.lists(st.tuples(st.sampled_from(FIELDS), JUNK), max_size=6),
    headers=HEADERS,
    signed_in=st.booleans(),
)
def test_no_request_breaks_anything_or_reaches_another_person(
    site: Site,
    ada: Browser,
    bob: Browser,
    method: str,
    path: str,
    sent: list[tuple[str, str]],
    headers: dict[str, str],
    signed_in: bool,
) -> None:
    if not ada.pocket():
        ada.sign_in()
    mine, theirs = live_session(site, "ada@example.org"), live_session(site, "bob@example.org")
    form: dict[str, list[str]] = {}
    for name, value in sent:
        form.setdefault(name, []).append(value.replace("{theirs}", theirs).replace("{mine}", mine))
    browser = ada if signed_in else site.browser()
    answer = browser.client.open(
        path.replace("{theirs}", theirs).replace("{mine}", mine),
        method=method,
        base_url=SITE_URL,
        **({"query_string": form} if method in ("GET", "HEAD") else {"data": form}),
        headers={"Origin": SITE_URL, **headers},
    )
    assert answer.status_code < 500
    assert b"Bob the Secret" not in answer.data
    assert MARK.encode() not in answer.data
    assert bob.is_signed_in()


def live_session(site: Site, email: str) -> str:
    found = site.query(
        "SELECT s.id FROM sessions s JOIN users u ON u.id = s.user_id WHERE u.email = :email AND s.ended_entry IS NULL",
        email=email,
    )
    return str(found[-1][0]) if found else "none"


@pytest.mark.parametrize("field", ["name", "email", "password"])
def test_a_field_may_be_a_mebibyte_long_and_is_refused(site: Site, field: str) -> None:
    form = {"name": "Ada", "email": "ada@example.org", "password": PASSWORD, field: "x" * 2**20}
    assert site.browser().post("/sign-up", **form).status_code == 413


@pytest.mark.page
@pytest.mark.parametrize(
    "path", ["/sign-up", "/sign-in", "/confirm", "/account/password", "/lab/rooms", "/devices/{mine}/name"]
)
def test_many_accents_on_one_letter_are_not_put_in_order(
    site: Site, ada: Browser, monkeypatch: pytest.MonkeyPatch, path: str
) -> None:
    normalize, longest = unicodedata.normalize, list[int]()

    def watch(form: Literal["NFC", "NFKC"], text: str) -> str:
        longest.append(len(text))
        return normalize(form, text)

    monkeypatch.setattr(unicodedata, "normalize", watch)
    accents = "e" + "\u0301\u0316" * 1000
    many = {"password": accents, "current": f"{accents}x", "name": accents, "email": f"{accents}@example.org"}
    for left_out in (None, *many):
        form = {**many, **({left_out: PASSWORD} if left_out else {})}
        assert ada.post(path.format(mine=ada.session()["sid"]), **form).status_code in (303, 422)
    assert max(longest, default=0) <= 1300


@pytest.mark.parametrize("field", ["name", "email", "next"])
def test_markup_in_a_field_comes_back_as_text(site: Site, field: str) -> None:
    form = {"name": "Ada", "email": "no address", "password": "short", field: f'"{MARK}'}
    page = site.browser().post("/sign-up", **form).text
    assert MARK not in page
    assert "&lt;i&gt;mark&lt;/i&gt;" in page or field == "next"


def test_markup_in_a_user_agent_or_a_name_is_text_wherever_it_is_shown(site: Site, ada: Browser) -> None:
    ada._agent = f"Mozilla/5.0 {MARK} Firefox/145.0"
    ada.sign_in()
    sid = ada.session()["sid"]
    assert ada.post(f"/devices/{sid}/name", name=MARK).status_code == 303
    for path in ("/", "/devices", "/activity"):
        assert MARK not in ada.get(path).text
    ada.sign_out()
    assert MARK not in ada.get("/signed-out").text


@pytest.mark.page
@pytest.mark.parametrize(
    "wanted", ["//[", "http://[", "//\u2100", "/oauth/authorize?client_id=[&redirect_uri=http://["]
)
def test_a_malformed_address_leads_no_browser_on(site: Site, wanted: str) -> None:
    visitor = site.browser()
    assert visitor.client.get("/sign-in", base_url=SITE_URL, query_string={"next": wanted}).status_code == 200
    assert visitor.post("/sign-in", email="ada@example.org", password="wrong", next=wanted).status_code == 422


@pytest.mark.page
@pytest.mark.parametrize("sent", ["\xff", "next=\xc3", "rest=/\xff", "a=%ff&%", "rest=//evil.example"], ids=ascii)
def test_a_query_that_is_no_text_breaks_nothing(site: Site, sent: str) -> None:
    visitor, raw = site.browser(), {"QUERY_STRING": sent}
    asked = visitor.client.get("/devices", base_url=SITE_URL, environ_overrides=raw)
    assert asked.headers["Location"].startswith("/sign-in?next=/devices%3F")
    page = visitor.client.get("/sign-in", base_url=SITE_URL, environ_overrides=raw)
    assert page.status_code == 200
    assert "evil" not in page.text
    sent_form = form(visitor, "/sign-in", email="ada@example.org", password="wrong wrong")
    headers = {"Origin": SITE_URL}
    answer = visitor.client.post("/sign-in", base_url=SITE_URL, environ_overrides=raw, headers=headers, data=sent_form)
    assert answer.status_code == 422


@pytest.mark.page
@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect", "/oauth/par", "/lab/revoke"])
def test_credentials_that_are_no_ascii_are_refused_with_a_challenge(site: Site, path: str) -> None:
    client, sent = site.app.test_client(), {"HTTP_AUTHORIZATION": "Basic YTpi\xff"}
    form = {"token": "x", "grant_type": "refresh_token"}
    answer = client.post(path, base_url=SITE_URL, data=form, environ_overrides=sent)
    assert (answer.status_code, answer.get_json()["error"]) == (401, "invalid_client")
    assert answer.headers["WWW-Authenticate"].startswith("Basic")


@pytest.mark.parametrize(("size", "status"), [(70_000, 413), (1 << 16, 303)])
def test_a_body_of_unknown_length_is_whole_or_refused_under_any_server(site: Site, size: int, status: int) -> None:
    ada = site.member()
    answer = ada.client.post(
        "/sign-out",
        base_url=SITE_URL,
        headers={
            "Origin": SITE_URL,
            "Transfer-Encoding": "chunked",
            "Content-Type": "application/x-www-form-urlencoded",
        },
        input_stream=io.BytesIO(b"x" * size),
        environ_overrides={"wsgi.input_terminated": True},
    )
    assert answer.status_code == status
    assert ada.is_signed_in() == (status == 413)
