"""What travels on the wire: requests to ctserver, messages from it.

A handle is a port's number on the wire: telephone port N is handle N - 1, the manager is -2.
"""

from __future__ import annotations

import re

import msgspec

_INTEGER = re.compile(r"-?[0-9]{1,9}\Z")

MANAGER_HANDLE = -2
"""The handle of the manager connection, and of the server itself as a destination."""

MAX_ARGUMENTS = 9
"""The protocol names its arguments arg1 to arg9."""


class Request(msgspec.Struct, frozen=True):
    """One request of a client, such as ``cmd=ctplay src=1 dst=1 arg1=/snd/beep.au argc=1``.

    Attributes:
        cmd: The request's name on the wire.
        src: The handle that asks; None where the line named none.
        dst: The handle that is asked, or :data:`MANAGER_HANDLE` for the server itself.
        args: ``arg1`` and those after it.
    """

    cmd: str
    src: int | None
    dst: int | None
    args: tuple[str, ...] = ()


class Message(msgspec.Struct, frozen=True):
    """One message of ctserver: a reply, an event, or both.

    Attributes:
        rly: What the message answers, or the name of an event.
        src: The handle that speaks; None where the line named none, or no number.
        dst: The handle spoken to; None likewise.
        args: ``arg1`` and those after it, in order; an argument that was left out stands as ``""``.
        extra: Keys that the protocol does not know, as they came; of many, the first sixteen.
        raw: The line itself, without its NUL bytes and its LF.
    """

    rly: str
    src: int | None = None
    dst: int | None = None
    args: tuple[str, ...] = ()
    extra: dict[str, str] = {}
    raw: str = ""

    @property
    def status(self) -> str:
        """The first argument: ``OK``, ``ERROR`` or ``EVENT`` in a reply; empty where there is none."""
        return self.args[0] if self.args else ""


class BrokenLine(msgspec.Struct, frozen=True):
    """A line that is no message: reported, counted, skipped. The connection lives on.

    Attributes:
        reason: What is wrong with it.
        raw: The line, cut where it was too long.
    """

    reason: str
    raw: str


def handle_of(port: int) -> int:
    """The handle of a telephone port, which counts from 1."""
    return port - 1


def port_of(handle: int) -> int:
    """The telephone port of a handle, which counts from 0."""
    return handle + 1


def integer(value: str) -> int | None:
    """The number in a value of the wire, or None where it holds none; never raises."""
    return int(value) if _INTEGER.match(value) else None
