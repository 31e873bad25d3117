"""Three nodes, and all that they stand on, in the hands of the test."""

import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

from tests import backings
from tests.backings import Backing, PostgreSQL, postgresql, redis_server
from tests.browsers import Site
from tests.cluster import Cluster, Line
from tests.server import Server

MEBIBYTE = 1 << 20


class Stand:
    """Nodes on *backing*; each has its own lines to the database and to Redis. *disk*: what all data lie on."""

    def __init__(self, backing: str, folder: Path, disk: "Disk | None" = None) -> None:
        self.backing, self.disk = backing, disk
        self.server = (PostgreSQL(disk.folder) if disk else postgresql()) if backing != "sqlite" else None
        self.redis = redis_server() if backing == "redis" else None
        self._lines: dict[tuple[int, str], Line] = {}
        self._home = home = (disk.folder if disk and backing == "sqlite" else folder) / "instance"
        home.mkdir(mode=0o700)
        Backing(backing, self.server, self.redis).furnish(home)
        Site(home).close()
        self.cluster = Cluster(home, settings=self._settings)

    @property
    def nodes(self) -> list[Server]:
        return self.cluster.nodes

    def line(self, number: int, name: str = "DATABASE_URL") -> Line:
        """The line of one node to where the setting *name* leads."""
        return self._lines[number, name]

    def _settings(self, number: int) -> dict[str, str]:
        found = {}
        for name, url in backings.settings(self._home).items():
            port = urlsplit(url).port
            if port:
                line = self._lines[number, name] = Line(port)
                found[name] = url.replace(f":{port}/", f":{line.port}/")
        return found

    def stop(self) -> None:
        self.cluster.stop()
        for line in self._lines.values():
            line.close()
        if self.disk and self.server:
            self.server.remove()
        elif self.server:
            Backing(self.backing).remove(self._home)
        if self.disk:
            self.disk.remove()


class Disk:
    """A small disk that a test can fill. It is mounted, which needs root."""

    def __init__(self, mebibytes: int) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="disk-"))  # where PostgreSQL, which is not root, may enter
        options = f"size={mebibytes}m,mode=755"
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "disk", self.folder], check=True)
        self._ballast = self.folder / "ballast"

    def fill(self) -> None:
        for size in (MEBIBYTE, 4096):
            with suppress(OSError), self._ballast.open("ab", buffering=0) as file:
                while True:
                    file.write(bytes(size))

    def free(self) -> None:
        self._ballast.unlink(missing_ok=True)

    def remove(self) -> None:
        subprocess.run(["umount", "--lazy", self.folder], check=True)
        self.folder.rmdir()
