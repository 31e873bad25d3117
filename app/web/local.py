"""Where to go next: a path of this site, or home."""

from urllib.parse import urlsplit


def path(wanted: str | None) -> str:
    """Return *wanted* if it is a path of this site and nothing else, else `/`: no open redirect."""
    if (
        not wanted
        or not wanted.startswith("/")
        or not wanted.isprintable()
        or "\\" in wanted
        or wanted.startswith("//")
    ):
        return "/"
    parts = urlsplit(wanted)
    return "/" if parts.scheme or parts.netloc else wanted
