"""What has been kept for long enough is forgotten, and entries of the log never."""

from tests.browsers import Browser, Site
from tests.oauth.conftest import register_app
from tests.oauth.flow import Flow


def test_purging_forgets_old_sessions_and_activity_and_never_an_entry(site: Site, ada: Browser) -> None:
    ada.sign_out()
    entries = site.query("SELECT count(*) FROM log_entries")
    site.wait(31 * 24 * 60 * 60)
    assert site.query("SELECT count(*) FROM receipts") == [(1,)]
    assert site.run("purge").output == "1 sessions, 0 events and 1 receipts forgotten.\n"
    assert site.query("SELECT count(*) FROM receipts") == [(0,)]
    assert site.query("SELECT count(*) FROM sessions") == site.query("SELECT count(*) FROM refresh_tokens") == [(0,)]
    assert site.query("SELECT count(*) FROM log_entries") == entries
    site.wait(60 * 24 * 60 * 60)
    assert "0 sessions" in site.run("purge").output
    assert site.query("SELECT count(*) FROM activity") == [(0,)]
    ada.sign_in()
    assert ada.is_signed_in()


def test_purging_forgets_what_apps_were_told_a_month_ago(site: Site, ada: Browser) -> None:
    app = register_app(site, "Mail", backchannel_logout_uri="http://127.0.0.1:9/")
    Flow(app, scope="openid").connect(ada)
    ada.sign_out()
    site.deliver()
    site.run("purge")
    assert site.query("SELECT attempts FROM logout_messages") == [(1,)], "it is still to be tried again"
    site.wait(24 * 60 * 60)
    site.deliver()
    site.wait(30 * 24 * 60 * 60)
    site.run("purge")
    assert site.query("SELECT count(*) FROM logout_messages") == [(1,)], "30 days are not yet over"
    site.wait(1)
    site.run("purge")
    assert site.query("SELECT count(*) FROM logout_messages") == [(0,)]
