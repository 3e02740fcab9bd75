"""What all tests have: a test that blocks the event loop fails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from blockbuster import blockbuster_ctx

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def _nothing_blocks_the_loop() -> Iterator[None]:
    """Code of ours that sleeps, or waits for a socket or a file, on the event loop raises BlockingError."""
    with blockbuster_ctx("ctportd"):
        yield
