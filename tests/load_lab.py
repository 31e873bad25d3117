"""A full workshop: `make load-lab`. A hundred attendees arrive within half a minute and all run the experiment.

Prints how long each step took, and every verdict that is not what its design says of itself. ATTENDEES and ARRIVING
change how many they are and in how many seconds they come.
"""

import asyncio
import contextlib
import os
import random
import re
import shutil
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from app.lab import player
from app.lab.run import WAYS, Run
from tests.load import Browser, Record, Wrong
from tests.server import Server

ATTENDEES = int(os.environ.get("ATTENDEES", "100"))
ARRIVING = float(os.environ.get("ARRIVING", "30"))
THINK = (0.5, 3.0)  # seconds between two clicks of one person
LOOK_SECONDS = 2.0  # how often the teacher's board asks
ALL = {design.slug for design in player.every()}


def _accepting(way: str) -> set[str]:
    """Return the designs whose own code accepts the copy just after a session has ended in this way."""
    run = Run("attendee", began_at=0, seed="attendee")
    run.leave(way)
    return {design.slug for design in player.every() if run.play(design).present().accepted}


ACCEPTED = {way: _accepting(way) for way in WAYS}


class Teacher(Browser):
    """Opens the room, and leaves the board open."""

    code: str

    async def open(self) -> None:
        body = await self._see("Open a room", 303, "POST", "/lab/rooms", name="A hundred people")
        self.code = re.findall(r"/lab/rooms/([\w-]+)", body.decode())[0]

    async def watch(self) -> None:
        while True:
            with contextlib.suppress(Wrong):
                await self._see("The board, every 2 seconds", 200, "GET", f"/lab/rooms/{self.code}/board")
            await asyncio.sleep(LOOK_SECONDS)

    async def check(self) -> None:
        """Count on the board the attendees at the end."""
        page = (await self._see("The board, at the end", 200, "GET", f"/lab/rooms/{self.code}")).decode()
        tried = re.findall(r"<dt>tried the copy</dt>\s*<dd>\s*(\d+)", page)
        if tried != [str(ATTENDEES)]:
            self.record.wrong[f"the board says {tried} of {ATTENDEES}"] += 1

    async def reset(self) -> None:
        await self._see("Reset all", 303, "POST", f"/lab/rooms/{self.code}/reset")


class Attendee(Browser):
    """Joins, signs in, copies, signs out in some way, replays, and reads the verdicts."""

    async def attend(self, room: str) -> None:
        way = random.choice(list(ACCEPTED))
        await asyncio.sleep(random.uniform(0, ARRIVING))
        with contextlib.suppress(Wrong):
            await self._see("Look at the door", 200, "GET", f"/lab/rooms/{room}/join")
            await self._see("Join", 303, "POST", f"/lab/rooms/{room}/join", nickname=self.email)
            await self._do("Sign in", "sign-in")
            await self._do("Copy", "copy")
            await self._do("Sign out", "sign-out", way=way)
            await self._see("Replay to all designs", 303, "POST", "/lab/replay")
            page = await self._see("Read the verdicts", 200, "GET", "/lab")
            self._judge(page.decode(), way)

    async def _do(self, title: str, step: str, **form: str) -> None:
        await self._see(title, 303, "POST", f"/lab/{step}", **form)
        await self._think()

    async def _think(self) -> None:
        await asyncio.sleep(random.uniform(*THINK))

    def _judge(self, page: str, way: str) -> None:
        page = page.partition("What each design answered")[2]
        states = re.findall(r'href="/lab/designs/([\w-]+)">.*?data-state="(\w+)"', page, re.DOTALL)
        accepted = {slug for slug, state in states if state in ("alarm", "live")}
        if {slug for slug, _ in states} != ALL:
            self.record.wrong[f"{len(states)} verdicts of {len(ALL)}"] += 1
        else:
            for slug in accepted ^ ACCEPTED[way]:
                self.record.wrong[f"after {way}, {slug} {'accepted' if slug in accepted else 'refused'}"] += 1


async def run(server: Server) -> Record:
    record = Record()
    teacher = Teacher(server.port, record, 0)
    await teacher.open()
    board = asyncio.create_task(teacher.watch())
    await asyncio.gather(
        *(Attendee(server.port, record, number).attend(teacher.code) for number in range(1, ATTENDEES + 1))
    )
    board.cancel()
    await teacher.check()
    await teacher.reset()
    return record


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    server = Server(folder / "instance", anew=True, WORKERS="2")
    try:
        began = time.monotonic()
        record = asyncio.run(run(server))
        record.print_times()
        broken = [line for line in server.output().splitlines() if "unforeseen" in line or "Traceback" in line]
        print(f"{ATTENDEES} attendees in {time.monotonic() - began:.0f} s; wrong: {dict(record.wrong) or 'none'}")
        print(f"{os.cpu_count()} processors, shared with the attendees; {len(broken)} mistakes in the log")
    finally:
        server.stop()
        shutil.rmtree(folder)
    sys.exit(1 if record.wrong or broken else 0)


if __name__ == "__main__":
    main()
