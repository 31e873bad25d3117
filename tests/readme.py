"""Write the README's table of settings from their declarations: `make settings`."""

import re

from app.config import DAY, SETTINGS, Setting
from tests.bench.report import put
from tests.forking import PROJECT

README = PROJECT / "README.md"


def table() -> str:
    rows = (f"| `{setting.name}` | {default(setting)} | {linked(setting.meaning)} |" for setting in SETTINGS)
    return "\n".join(["| variable | default | meaning |", "| --- | --- | --- |", *rows])


def default(setting: Setting) -> str:
    if setting.by_default:
        return setting.by_default
    text = str(setting.default)
    if setting.name.endswith("_SECONDS") and int(text) >= DAY:
        return f"{int(text) // DAY} days"
    return text if text.isdigit() else f"`{text}`" if text else "none"


def linked(meaning: str) -> str:
    return re.sub(r"(docs/[a-z-]+\.md)(#[\w-]+)?", r"[\1](\1\2)", meaning)


if __name__ == "__main__":
    put(README, "settings", table())
