"""The faults that the soak makes, each with its name, what it does and what it may cost."""

from __future__ import annotations

from typing import TYPE_CHECKING

from soak.deaths import KillBoth, KillCtserver, KillDaemon, PauseCtserver, PauseDaemon, Restart, TerminateCtserver
from soak.disturbances import CutAll, CutManager, CutPort, Garbage, LockDatabase, Rotate

if TYPE_CHECKING:
    from soak.fault import Fault

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        KillCtserver(), KillDaemon(), KillBoth(), Restart(), TerminateCtserver(), PauseCtserver(), PauseDaemon(),
        CutPort(), CutAll(), CutManager(), LockDatabase(), Rotate(), Garbage(),
    )
}  # fmt: skip
"""All of them, by name."""
