"""What all tests have: a test that blocks the event loop fails, and log lines are caught."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from blockbuster import blockbuster_ctx
from structlog.testing import capture_logs

if TYPE_CHECKING:
    from collections.abc import Iterator, MutableMapping
    from typing import Any


@pytest.fixture(scope="session", autouse=True)
def _loop_between_tests() -> Iterator[None]:
    """pytest-asyncio asks for the event loop that was there before its own, and so makes one that nobody closes.

    This one is closed.
    """
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    yield
    loop.close()


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop() -> Iterator[None]:
    """Code of ours that sleeps, or waits for a socket or a file, on the event loop raises BlockingError."""
    with blockbuster_ctx("ctportd") as blockbuster:
        for name in ("os.path.abspath", "os.getcwd"):  # which ask the kernel for a name, and wait for nothing
            blockbuster.functions[name].deactivate()
        yield


@pytest.fixture(autouse=True)
def log_lines() -> Iterator[list[MutableMapping[str, Any]]]:
    """What was logged, line by line."""
    with capture_logs() as lines:
        yield lines
