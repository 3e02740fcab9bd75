"""Our own ctserver, as the configuration has it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ctportd.ctserver.run import serve
from ctportd.ctserver.settings import LineSettings, Settings
from ctportd.errors import ConfigError

if TYPE_CHECKING:
    from ctportd.config import Config


async def serve_configured(config: Config) -> None:
    """Run ctserver until SIGTERM.

    Raises:
        ConfigError: The configuration has none of ours.
        ServerError: It cannot run, or its ports are taken.
    """
    server = config.virtual
    if server is None:
        raise ConfigError(
            f"{config.source}: [[ctserver]] mode: found none that is 'virtual', so there is none to run"
        )
    host, port = config.exchange_address
    if config.file.exchange.log:
        Path(config.file.exchange.log).parent.mkdir(parents=True, exist_ok=True)
    lines = tuple(LineSettings(table.number, table.kind, table.name) for table in config.ports_of(server))
    await serve(
        Settings(
            host=server.host,
            first_port=server.first_port,
            manager_port=server.manager_port,
            lines=lines,
            exchange_host=host,
            exchange_port=port,
            speed=config.file.exchange.speed,
            log=Path(config.file.exchange.log) if config.file.exchange.log else None,
            country=config.file.exchange.country,
        )
    )
