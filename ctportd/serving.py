"""Our own ctserver, as the configuration has it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ctportd.calls.files import CTSERVER_FOLDERS, SHIPPED
from ctportd.config import load
from ctportd.config.differences import in_force
from ctportd.ctserver.run import serve
from ctportd.ctserver.settings import LineSettings, Settings
from ctportd.errors import ConfigError
from ctportd.running import keeping_of
from ctportd.shipped import shipped

if TYPE_CHECKING:
    from ctportd.config import Config, CtserverTable


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
    if config.file.exchange.log:
        Path(config.file.exchange.log).parent.mkdir(parents=True, exist_ok=True)

    def read() -> Settings:
        told = load(Path(config.source))
        now = told.virtual
        if now is None or now.name != server.name:
            raise ConfigError(
                f"{config.source}: [[ctserver]] {server.name}: found none of this name that is 'virtual'"
            )
        return settings_of(in_force(config, told), now)

    await serve(settings_of(config, server), read)


def settings_of(config: Config, server: CtserverTable) -> Settings:
    """What our ctserver is told, for one table of the configuration."""
    exchange = config.file.exchange
    host, port = config.exchange_address
    return Settings(
        host=server.host,
        first_port=server.first_port,
        manager_port=server.manager_port,
        lines=tuple(LineSettings(table.number, table.kind, table.name) for table in config.ports_of(server)),
        exchange_host=host,
        exchange_port=port,
        speed=exchange.speed,
        log=Path(exchange.log) if exchange.log else None,
        log_keeping=keeping_of(config.file.log),
        country=exchange.country,
        record_folders=record_folders(config),
        play_folders=play_folders(config, Path.cwd()),
    )


def record_folders(config: Config) -> tuple[Path, ...]:
    """Where clients of ctserver may record: into the state folder, and what ``[exchange] folders`` adds."""
    return (config.state, *map(Path, config.file.exchange.folders))


def play_folders(config: Config, working_directory: Path) -> tuple[Path, ...]:
    """Where files may be that they play: all places in which ctportd looks for prompts, and those of recordings.

    A daemon that works in ``/`` does not open the whole machine by that.
    """
    here = () if working_directory == Path(working_directory.anchor) else (working_directory,)
    prompts = (Path(path) for path in config.file.prompts.paths)
    plugins = Path(config.file.plugins.directory), shipped("plugins")
    return (*record_folders(config), *here, *prompts, *plugins, *CTSERVER_FOLDERS, SHIPPED)
