"""A folder for Apache with mod_auth_openidc: a public page (`/`), a private one (`/private/`), and the copied configuration."""

import os
import re
import shutil
from pathlib import Path

from tests.backings import NOBODY
from tests.clients.library import App

MODULES = Path("/usr/lib/apache2/modules")
LOADED = ("mpm_event", "authn_core", "authz_core", "authz_user", "dir", "auth_openidc")


def command(app: App, port: int, folder: Path, block: str) -> list[str]:
    """Return the command that starts it. Raises FileNotFoundError where Debian's packages are missing."""
    program = shutil.which("apache2", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None or not (MODULES / "mod_auth_openidc.so").exists():
        raise FileNotFoundError("Apache or its module is missing: `make test-clients` installs Debian's packages.")
    for page in ("index.html", "private/index.html"):
        path = folder / "pages" / page
        path.parent.mkdir(exist_ok=True)
        path.write_text("<title>A page</title>")
    given = {"ISSUER": app.issuer, "SECRET": app.secret or "", "ID": app.id}
    lines = [
        *(f"LoadModule {name}_module {MODULES}/mod_{name}.so" for name in LOADED),
        f"ServerRoot {folder}",
        f"DefaultRuntimeDir {folder}",
        f"PidFile {folder}/apache.pid",
        f"ErrorLog {folder}/errors",
        f"Mutex file:{folder}",
        f"Listen 127.0.0.1:{port}",
        "ServerName 127.0.0.1",
        f"DocumentRoot {folder}/pages",
        "DirectoryIndex index.html",
        re.sub(r"\b(?:ISSUER|SECRET|ID)\b", lambda found: given[found[0]], block),
    ]
    (folder / "apache.conf").write_text("\n".join(lines))
    if os.geteuid() == 0:  # it refuses to answer as root
        for path in (folder, *folder.rglob("*")):
            os.chown(path, NOBODY, -1)
    return [program, "-f", str(folder / "apache.conf"), "-D", "FOREGROUND"]
