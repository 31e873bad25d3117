"""What can go wrong under a site: each fault begins, lasts while the block runs, and ends."""

import random
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

import psycopg

from tests.faults.stand import Stand

LAST = 2  # the number of the node that has the fault, where one alone has it
Fault = Callable[[Stand], AbstractContextManager[None]]


@contextmanager
def a_node_stops_and_goes_on(stand: Stand) -> Iterator[None]:
    stand.nodes[LAST].pause()
    try:
        yield
    finally:
        stand.nodes[LAST].resume()


@contextmanager
def a_node_is_killed(stand: Stand) -> Iterator[None]:
    stand.nodes[LAST].kill()
    try:
        yield
    finally:
        stand.nodes[LAST].start()


@contextmanager
def answers_of_commit_are_lost(stand: Stand) -> Iterator[None]:
    line = stand.line(LAST)
    before, line.drops_commits = line.dropped, True
    try:
        yield
    finally:
        line.mend()
        assert line.dropped > before, "nothing was lost"


@contextmanager
def the_database_is_slow(stand: Stand) -> Iterator[None]:
    line = stand.line(LAST)
    line.delay = 0.15
    try:
        yield
    finally:
        line.mend()


@contextmanager
def the_line_is_torn(stand: Stand) -> Iterator[None]:
    line = stand.line(LAST)
    line.tear()
    try:
        yield
    finally:
        line.mend()


@contextmanager
def the_line_is_silent(stand: Stand) -> Iterator[None]:
    line = stand.line(LAST)
    line.cut()
    try:
        yield
    finally:
        line.mend()


@contextmanager
def no_wake_up_arrives(stand: Stand) -> Iterator[None]:
    line = stand.line(LAST, "REDIS_URL")
    line.cut()
    try:
        yield
    finally:
        line.mend()


@contextmanager
def postgresql_restarts(stand: Stand) -> Iterator[None]:
    assert stand.server
    random.choice([stand.server.kill, stand.server.stop])()
    try:
        yield
    finally:
        stand.server.start()


@contextmanager
def redis_restarts(stand: Stand) -> Iterator[None]:
    assert stand.redis
    stand.redis.kill()
    try:
        yield
    finally:
        stand.redis.start()


@contextmanager
def the_disk_is_full(stand: Stand) -> Iterator[None]:
    assert stand.disk
    stand.disk.fill()
    if stand.server:
        with suppress(psycopg.Error):
            stand.server.execute("SELECT pg_switch_wal()")  # to a file for which there is no room
    try:
        yield
    finally:
        stand.disk.free()
        if stand.server and not stand.server.is_up:
            stand.server.start()
