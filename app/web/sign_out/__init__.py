"""Sign Out: `browser.sign_out` ends the session at the server. The receipt shows and proves what ended."""
