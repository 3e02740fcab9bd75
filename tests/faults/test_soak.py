"""The soak in its short form: some seconds of calls on four lines, a fault every other second, and its balance."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from soak import report
from soak.balance import Balance
from soak.evidence import gather
from soak.run import Settings, Soak

if TYPE_CHECKING:
    from pathlib import Path

_SHORT = Settings(
    seconds=16,
    seed=186,  # both kills of the daemon, the cut and the kill of ctserver come first
    lines=4,
    gap=(0.5, 1.5),
    pause=0.5,
    least=6,
    only=(
        "kill-ctserver",
        "kill-daemon",
        "kill-both",
        "restart",
        "pause-ctserver",
        "cut-all",
        "lock-database",
        "garbage",
    ),
)


@pytest.mark.timeout(240)  # a system that does not come back is waited for, each time, before the balance says so
async def test_nothing_is_lost_and_nothing_leaks(tmp_path: Path) -> None:
    """Whoever spoke long enough has one message, of their own voice; every call has its record; no process is left."""
    soak = Soak(_SHORT, tmp_path / "system", print)
    await soak.run()
    evidence = await gather(soak.house)
    balance = await asyncio.to_thread(Balance, soak, evidence)
    assert balance.counts["messages that must be stored"] > 10
    assert balance.counts["faults made"] > 5
    assert balance.holds, report.text(soak, evidence, balance)
