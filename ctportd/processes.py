"""Other processes, by their pids."""

from __future__ import annotations

import os


def runs(pid: int) -> bool:
    """Whether there is a process of this pid, ours or another user's."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
