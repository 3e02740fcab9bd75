"""What a ctserver of the configuration is run by, and what one that runs already is known by."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ctportd.links.supervision.names import same_program, same_virtual
from ctportd.links.supervision.search import Search
from ctportd.logfile import Keeping

if TYPE_CHECKING:
    from ctportd.config import Config, CtserverTable
    from ctportd.config.tables import LogTable

PID_FILE = Path("/var/run/ctserver.pid")
"""Where the card's ctserver writes its pid (PROTOCOL.md 5)."""


def run_command(config: Config, table: CtserverTable) -> list[str] | None:
    """Program and arguments; None: it runs elsewhere."""
    if table.mode == "remote":
        return None
    if table.mode == "program":
        return [table.program, *table.arguments]
    # -P: modules are never those of the folder in which the daemon runs, which may be somebody else's
    return [sys.executable, "-Pm", "ctportd", "--config", config.source, "ctserver"]


def keeping_of(table: LogTable) -> Keeping:
    """How long a log may become, and what becomes of the old ones."""
    return Keeping(table.keep, table.compress, table.max_size)


def search_for(config: Config, table: CtserverTable, command: list[str]) -> Search:
    """Finds one that is run by this command, or listens on its TCP ports."""
    is_program = table.mode == "program"
    manager_port = table.manager_port if table.dialect == "keyed" else None
    ports = [table.first_port + port.number - 1 for port in config.ports_of(table)]
    return Search(
        table.host,
        [*ports, *([manager_port] if manager_port is not None else [])],
        manager_port,
        same_program(command) if is_program else same_virtual(Path(config.source).absolute()),
        Path(table.pid_file) if table.pid_file else (PID_FILE if is_program else None),
    )
