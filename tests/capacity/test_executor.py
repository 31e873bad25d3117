"""Long computations run in a separate process at low priority, which ends with its worker."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import create_app
from app.capacity import executor as module
from app.capacity.executor import NICENESS, Executor
from tests import backings
from tests.server import Server

SPEND = """
import time

def spend(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass
"""


@pytest.fixture(scope="module")
def executor(shared_instance: Path) -> Iterator[Executor]:
    executor = Executor(create_app, {"INSTANCE_PATH": str(shared_instance), **backings.settings(shared_instance)})
    executor.start()
    yield executor
    executor.close()


@pytest.mark.sqlite
def test_a_function_runs_in_another_process_that_gives_way_to_this_one(executor: Executor) -> None:
    other = executor.run(os.getpid)
    assert other != os.getpid()
    assert os.getpriority(os.PRIO_PROCESS, other) == os.getpriority(os.PRIO_PROCESS, 0) + NICENESS
    assert executor.run(os.getpid) == other


@pytest.mark.sqlite
def test_what_it_raises_is_raised_and_it_goes_on(executor: Executor) -> None:
    other = executor.run(os.getpid)
    with pytest.raises(ValueError, match="invalid literal"):
        executor.run(int, "one")
    assert executor.run(os.getpid) == other


@pytest.mark.sqlite
def test_printed_output_is_no_answer(executor: Executor) -> None:
    assert executor.run(os.write, 1, b"\n") == 1
    assert executor.run(int, "2") == 2


@pytest.mark.sqlite
def test_a_lost_process_is_reported_and_replaced(executor: Executor) -> None:
    other = executor.run(os.getpid)
    with pytest.raises(EOFError):
        executor.run(os._exit, 1)
    assert executor.run(os.getpid) != other


@pytest.mark.sqlite
def test_each_sign_of_life_gives_a_slow_process_its_full_time_again(
    executor: Executor, monkeypatch: pytest.MonkeyPatch
) -> None:
    watches, timer = list[threading.Timer](), threading.Timer
    monkeypatch.setattr(threading, "Timer", lambda *set: watches.append(timer(*set)) or watches[-1])
    executor.run(exec, f"{SPEND}\nspend({5.5 * module.SIGN_SECONDS})", {})
    assert len(watches) > 3
    assert all(watch.finished.is_set() for watch in watches)


@pytest.mark.sqlite
def test_a_computation_without_an_end_is_given_up(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    other = executor.run(os.getpid)
    monkeypatch.setattr(module, "LONGEST_SECONDS", 0.3)
    with pytest.raises(EOFError):
        executor.run(exec, f"{SPEND}\nspend(20)", {})
    assert executor.run(os.getpid) != other
    wait_until_gone(other)


@pytest.mark.sqlite
def test_a_process_that_stands_still_is_given_up(executor: Executor, monkeypatch: pytest.MonkeyPatch) -> None:
    other = executor.run(os.getpid)
    monkeypatch.setattr(module, "SILENT_SECONDS", 0.2)
    os.kill(other, signal.SIGSTOP)
    with pytest.raises(EOFError):
        executor.run(os.getpid)
    wait_until_gone(other)


def children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def wait_until_gone(pid: int) -> None:
    for _ in range(3000):
        if not Path(f"/proc/{pid}").exists() or "Z" in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1][:3]:
            return
        time.sleep(0.01)
    pytest.fail("it goes on")


@pytest.fixture
def server(shared_instance: Path) -> Iterator[Server]:
    running = Server(shared_instance, WORKERS="1", HELPERS="anew")
    yield running
    running.stop()


@pytest.mark.server
def test_the_lab_computes_beside_the_workers_and_what_computes_ends_with_its_worker(server: Server) -> None:
    (worker,) = server.workers()
    assert not children(worker)
    visitor = server.ask("POST", "/lab/sign-in", {})[1]
    begun = children(worker)
    for path in ("copy", "replay"):
        assert server.ask("POST", f"/lab/{path}", visitor)[0] == 303
    assert server.ask("POST", "/lab/path/A17", visitor, guess="both")[0] == 303
    assert children(worker) == begun, "it had begun before it was needed"
    (helper,) = begun
    assert os.getpriority(os.PRIO_PROCESS, helper) > os.getpriority(os.PRIO_PROCESS, worker)
    assert "accept" in server.read("/lab", visitor)

    os.kill(helper, signal.SIGKILL)
    assert server.ask("POST", "/lab/path/A3", visitor, guess="none")[0] == 503
    assert server.ask("POST", "/lab/path/A3", visitor, guess="none")[0] == 303
    (helper,) = children(worker)
    os.kill(worker, signal.SIGKILL)
    wait_until_gone(helper)
