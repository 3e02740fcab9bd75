"""What the server is told when it starts."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

from ctportd.logfile import Keeping

LineKind = Literal["trunk", "station"]
"""A trunk port leads to the exchange, a station port to a telephone set."""


class LineSettings(msgspec.Struct, frozen=True):
    """One telephone port.

    Attributes:
        number: The port's number, 1 and up.
        kind: What is on its other side.
        name: What people call it; also a number under which the exchange knows it, where it is one.
    """

    number: int
    kind: LineKind = "trunk"
    name: str = ""


def four_trunks() -> tuple[LineSettings, ...]:
    """The lines of one card: four trunk ports."""
    return tuple(LineSettings(number) for number in range(1, 5))


class Settings(msgspec.Struct, frozen=True):
    """The whole server.

    Attributes:
        host: The address to listen on. There is no authentication: anything but loopback lets strangers in.
        first_port: The TCP port of telephone port 1; port N is at ``first_port + N - 1``.
        manager_port: The TCP port of the manager.
        lines: The telephone ports.
        exchange_host: Where telephones reach the virtual exchange.
        exchange_port: The TCP port of the exchange.
        speed: Seconds of the line in one second of the clock.
        log: The server's own log file, which ``rolllog`` renames; None: standard error.
        log_keeping: How long it may become, and what becomes of the old ones.
        country: Whose tones and ringing cadence: ``us``, ``uk``, ``de``, ``au`` or ``jp``.
        record_folders: In which folders, and those in them, clients may record files; empty: anywhere.
        play_folders: From which they may play files, likewise.
    """

    host: str = "127.0.0.1"
    first_port: int = 1200
    manager_port: int = 1198
    lines: tuple[LineSettings, ...] = msgspec.field(default_factory=four_trunks)
    exchange_host: str = "127.0.0.1"
    exchange_port: int = 1190
    speed: float = 1.0
    log: Path | None = None
    log_keeping: Keeping = Keeping()
    country: str = "us"
    record_folders: tuple[Path, ...] = ()
    play_folders: tuple[Path, ...] = ()
