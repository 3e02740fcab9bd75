"""Runs the daemon to its end, whatever a plugin's tasks and callbacks do to the event loop."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import structlog

from ctportd.hooks.tasks import cancel
from ctportd.hooks.threads import Threads

if TYPE_CHECKING:
    from collections.abc import Coroutine

LAST_TIMEOUT = 1.0
"""Seconds that tasks and threads get which are left when the daemon has stopped (our figure)."""

_left: list[asyncio.Task[Any]] = []

log = structlog.stdlib.get_logger("ctportd")


def run_to_the_end(main: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine on an event loop of its own.

    A SystemExit or KeyboardInterrupt in a task or a callback stops an event loop, as ``loop.stop()`` does: it is told
    to the loop's exception handler, and the loop goes on until the coroutine is done. SIGINT cancels the coroutine,
    unless it takes the signal itself.

    Raises:
        KeyboardInterrupt: SIGINT came before it had taken the signal.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)  # child processes are looked after by it
    loop.set_default_executor(Threads())
    try:
        task = loop.create_task(main)
        loop.add_signal_handler(signal.SIGINT, task.cancel)
        _run(loop, task)
        task.result()
    except asyncio.CancelledError:
        raise KeyboardInterrupt from None
    finally:
        _end_tasks(loop)
        asyncio.set_event_loop(None)
        loop.close()


def _run(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any]) -> None:
    """Run the loop until a task is done; what that raises is left in it."""
    while not task.done():
        try:
            loop.run_until_complete(task)
        except BaseException as error:
            if loop.is_closed():
                raise
            if not task.done() or not (task.cancelled() or task.exception() is error):
                context = {"message": "something tried to end the event loop", "exception": error}
                loop.call_soon(loop.call_exception_handler, context)  # which runs on the loop, as always


def _end_tasks(loop: asyncio.AbstractEventLoop) -> None:
    """Cancel what is left. What does not heed it is left behind: asyncio's own way would wait for it for ever."""
    tasks = asyncio.all_tasks(loop)
    for task in tasks:
        cancel(task)
    if tasks:
        _run(loop, loop.create_task(_wait(tasks)))
    _run(loop, loop.create_task(loop.shutdown_asyncgens()))


async def _wait(tasks: set[asyncio.Task[Any]]) -> None:
    _, late = await asyncio.wait(tasks, timeout=LAST_TIMEOUT)
    if late:
        log.warning("tasks are left behind", tasks=sorted(task.get_name() for task in late))
        _left.extend(late)


def leave_behind(status: int) -> None:
    """End the process at once with this status, if anything was left that would keep it from ending.

    To be called last, all being put in order: a task that heeds nothing may not do so either when it is thrown away,
    and a thread would be waited for.
    """
    deadline = time.monotonic() + LAST_TIMEOUT
    threads = [
        thread for thread in threading.enumerate() if not thread.daemon and thread is not threading.main_thread()
    ]
    for thread in threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if _left or any(thread.is_alive() for thread in threads):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
