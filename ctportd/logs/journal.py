"""Whether standard error leads to systemd's journal."""

from __future__ import annotations

import os


def leads_to_journal(descriptor: int) -> bool:
    """Whether what is written there goes to the journal.

    systemd says in ``JOURNAL_STREAM`` which device and inode that is (systemd.exec(5)); a descriptor that was
    redirected since is another one.
    """
    device, _, inode = os.environ.get("JOURNAL_STREAM", "").partition(":")
    try:
        found = os.fstat(descriptor)
    except OSError:
        return False
    return (device, inode) == (str(found.st_dev), str(found.st_ino))
