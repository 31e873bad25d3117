"""The configurations that docs/apps.md has people copy. Tests run them from there, so the page cannot drift from what works."""

import re

from tests.forking import PROJECT

OWN = "http://127.0.0.1:9000"  # the app's own address there


def copied(client: str, url: str = OWN) -> str:
    """Return the block under the heading *client*, for an app at *url*."""
    page = (PROJECT / "docs" / "apps.md").read_text()
    [block] = re.findall(rf"^### {re.escape(client)}\n.*?^```\w+\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    return block.replace(OWN, url)
