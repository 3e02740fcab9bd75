"""The event loop of the daemon goes on, whatever comes out of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

from ctportd.hooks import running
from ctportd.hooks.running import leave_behind, run_to_the_end

if TYPE_CHECKING:
    from collections.abc import MutableMapping


@pytest.mark.parametrize(
    "stray",
    [
        lambda loop: loop.call_soon(sys.exit, 3),
        lambda loop: loop.create_task(leave()),
        lambda loop: loop.create_task(interrupt()),
        lambda loop: loop.stop(),
    ],
    ids=["callback exits", "task exits", "task is interrupted", "loop is stopped"],
)
def test_stray_end_does_not_end_it(stray: Any) -> None:
    """Each comes to the loop's exception handler, and the main coroutine goes on."""
    told: list[dict[str, Any]] = []
    done = []

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _, context: told.append(context))
        kept = [stray(loop) for _ in range(3)]
        for _ in range(20):
            await asyncio.sleep(0)
        done.append(kept)

    run_to_the_end(main())
    assert done
    assert len([context for context in told if context["message"] == "something tried to end the event loop"]) >= 1


async def leave() -> None:
    """Exit."""
    sys.exit(3)


async def interrupt() -> None:
    """Raise what Ctrl-C raises."""
    raise KeyboardInterrupt


def test_what_the_coroutine_raises_is_raised() -> None:
    """An exit of its own as well."""

    async def fail(error: BaseException) -> None:
        raise error

    for error in (ValueError("mine"), SystemExit(3)):
        with pytest.raises(type(error)):
            run_to_the_end(fail(error))


def test_ctrl_c_before_anybody_takes_it() -> None:
    """It cancels the coroutine, which puts its things in order, and is told as what it is."""
    ordered = []

    async def main() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.Event().wait()
        finally:
            ordered.append(True)

    with pytest.raises(KeyboardInterrupt):
        run_to_the_end(main())
    assert ordered == [True]


def test_task_that_heeds_nothing_is_left_behind(
    monkeypatch: pytest.MonkeyPatch, log_lines: list[MutableMapping[str, Any]]
) -> None:
    """It is told of, and the process is ended by force: the task would not end when it is thrown away either."""
    monkeypatch.setattr(running, "LAST_TIMEOUT", 0.05)
    left: list[asyncio.Task[Any]] = []
    monkeypatch.setattr(running, "_left", left)
    deaf = True

    async def hear_nothing() -> None:
        while deaf:
            try:
                await asyncio.sleep(3600)
            except asyncio.CancelledError:
                continue

    async def main() -> None:
        asyncio.create_task(hear_nothing(), name="deaf").add_done_callback(lambda _: None)
        await asyncio.sleep(0)

    run_to_the_end(main())
    assert [line["tasks"] for line in log_lines if line["event"] == "tasks are left behind"] == [["deaf"]]
    ended: list[int] = []
    monkeypatch.setattr("ctportd.hooks.running.os._exit", ended.append)
    leave_behind(5)
    assert ended == [5]
    deaf = False
    for task in left:
        task.get_coro().close()


def test_thread_that_does_not_end_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the interpreter would wait for it; where there is none, nothing happens."""
    monkeypatch.setattr(running, "LAST_TIMEOUT", 0.05)
    ended: list[int] = []
    monkeypatch.setattr("ctportd.hooks.running.os._exit", ended.append)
    go = threading.Event()
    mine = threading.Thread(target=go.wait)
    monkeypatch.setattr("ctportd.hooks.running.threading.enumerate", lambda: [threading.main_thread(), mine])
    mine.start()
    leave_behind(0)
    assert ended == [0]
    go.set()
    mine.join()
    leave_behind(0)
    assert ended == [0]
