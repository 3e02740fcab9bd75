"""What a process of ours settles as it begins: who may read what it writes, and how many files it may open."""

from __future__ import annotations

import os
import resource
from contextlib import suppress

_UMASK = 0o027
"""Recordings, notes, database and logs are nobody's business but the user's and the group's."""

_FILES = 65_536
"""Descriptors that are enough for every line, client and telephone there can be. Not as many as there may be: on some
machines that is a thousand million, and programs that we start close each of them (our figure)."""


def settle() -> None:
    """Settle both; children inherit them."""
    strict_umask()
    _raise_file_limit()


def strict_umask() -> int:
    """Take rights from what is created from now on, never add any to what the caller's umask leaves; returns it."""
    umask = os.umask(0o077) | _UMASK
    os.umask(umask)
    return umask


def _raise_file_limit() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _FILES if hard == resource.RLIM_INFINITY else min(hard, _FILES)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        with suppress(OSError, ValueError):  # a sandbox that forbids it: then what there is has to do
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
