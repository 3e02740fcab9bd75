"""Who listens on which TCP ports of this machine. Reads files of the kernel, so it is for a thread."""

from __future__ import annotations

import os
import socket

import msgspec
import psutil

_ANY_ADDRESS = {"0.0.0.0", "::"}  # noqa: S104 - compared with, never listened on


class Listeners(msgspec.Struct, frozen=True):
    """Who listens.

    Attributes:
        pids: Everybody who listens anywhere, as far as this user may see.
        ports: For each who listens on a port that was asked for, which. Under None: nobody may see whose they are.
    """

    pids: frozenset[int | None]
    ports: dict[int | None, frozenset[int]]


def listeners(host: str, ports: frozenset[int]) -> Listeners:
    """Who is in the way of a server that is to listen at ``host`` on these ports, or is that server."""
    wanted = _addresses(host)
    anywhere = not wanted.isdisjoint(_ANY_ADDRESS)
    pids: set[int | None] = set()
    found: dict[int | None, set[int]] = {}
    for one in psutil.net_connections("tcp"):
        if one.status != psutil.CONN_LISTEN or not one.laddr:
            continue
        pids.add(one.pid)
        address = one.laddr.ip.removeprefix("::ffff:")
        if one.laddr.port in ports and (anywhere or address in wanted | _ANY_ADDRESS):
            found.setdefault(one.pid, set()).add(one.laddr.port)
    return Listeners(frozenset(pids), {pid: frozenset(theirs) for pid, theirs in found.items()})


def is_visible(pid: int) -> bool:
    """Whether this user may see whose a process's sockets are."""
    return os.access(f"/proc/{pid}/fd", os.R_OK)


def is_elsewhere(pid: int) -> bool:
    """Whether a process is known to be in another network, such as a container's: its ports are none of ours."""
    try:
        return os.stat(f"/proc/{pid}/ns/net").st_ino != os.stat("/proc/self/ns/net").st_ino  # noqa: PTH116
    except OSError:
        return False


def _addresses(host: str) -> set[str]:
    try:
        return {str(info[4][0]) for info in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)}
    except OSError:
        return {host}  # whoever tries to listen there is told
