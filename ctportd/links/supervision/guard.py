"""Ends a ctserver whose daemon was killed: ``guard.py GROUP STOP_TIMEOUT DAEMON < pidfd-of-the-daemon``.

A daemon that dies by SIGKILL cannot end its ctserver, and a ctserver may ignore whatever tells it so: a parent-death
signal, its terminal's end. So each life of a ctserver has a guard: a process in a session of its own that does nothing
until its standard input, a pidfd of the daemon, says that the daemon is dead. Then the process group gets SIGTERM, and
SIGKILL after STOP_TIMEOUT. The daemon's good-bye is to kill the guard, which it does before the group's number can be
given to another one. A pidfd and no pipe: a pipe's other end would live on in whatever a plugin forks.

Ctserver waits behind a gate (see child.py) until the guard is started, so there is no moment in which it is unguarded.
DAEMON, a pid, is for whoever looks: a guard that has another parent is ending its ctserver at this moment.

It is run by path with ``-I -S``, so it imports little, and nothing of ours.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import time

_LOOK_EVERY = 0.05  # seconds; nothing tells of the end of a group that is not ours


def main() -> None:
    """Wait for the daemon's death, then end the group."""
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    group, stop_timeout = int(sys.argv[1]), float(sys.argv[2])
    death = select.poll()
    death.register(0, select.POLLIN)
    death.poll()
    end(group, stop_timeout)


def end(group: int, stop_timeout: float) -> None:
    """SIGTERM, then SIGKILL for what is left of the group after so many seconds."""
    deadline = time.monotonic() + stop_timeout
    try:
        os.killpg(group, signal.SIGTERM)
        while time.monotonic() < deadline:
            time.sleep(_LOOK_EVERY)
            os.killpg(group, 0)
        os.killpg(group, signal.SIGKILL)
    except ProcessLookupError:
        return  # all have ended


if __name__ == "__main__":
    main()
