"""What has been kept for long enough is forgotten, and entries of the log never."""

from tests.browsers import Browser, Site


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
