"""What the commands share: the configuration, the installation, the running daemon, the database."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from ctportd.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Coroutine

    from ctportd.config import Config
    from ctportd.control.client import ControlClient
    from ctportd.site import ConfiguredSite
    from ctportd.store import Store

EXIT_DONE, EXIT_FAILED, EXIT_NOT_ANSWERED = 0, 1, 2
EXIT_USAGE, EXIT_CONFIG = os.EX_USAGE, os.EX_CONFIG

EXIT_CODES = {
    EXIT_DONE: "it is done",
    EXIT_FAILED: "it failed, or was interrupted; a sentence on standard error says why, and what to do",
    EXIT_NOT_ANSWERED: "phone and call only: busy, or nobody answered",
    EXIT_USAGE: "the command line makes no sense",
    EXIT_CONFIG: "the configuration has a mistake",
}
"""Every exit status of every command, with what it says."""

DEFAULT_CONFIGS = (Path("etc/ctportd.toml"), Path("/etc/ctportd/ctportd.toml"))

json_option = click.option("--json", "as_json", is_flag=True, help="For programs: JSON.")
mask_option = click.option("--mask", is_flag=True, help="Without names, and with the last digits of numbers only.")


def default_config() -> Path | None:
    """Where the configuration is that nobody has named; None where there is none."""
    path = next((path for path in DEFAULT_CONFIGS if path.is_file()), None)
    if path is not None and not path.is_absolute():
        from ctportd.hooks.owners import check_found_config

        check_found_config(path)
    return path


def load_config(path: Path) -> Config:
    """Read a configuration. Raises ConfigError."""
    from ctportd.config import load
    from ctportd.hooks.owners import check_config_owner

    check_config_owner(path)
    return load(path)


def config_of(ctx: click.Context) -> Config:
    """The configuration that was named, or the default one. Raises ConfigError."""
    path = ctx.obj or default_config()
    if path is None:
        tried = " nor ".join(str(path) for path in DEFAULT_CONFIGS)
        raise ConfigError(f"there is no configuration: neither {tried} exists; name one with --config FILE")
    return load_config(path)


def site_of(ctx: click.Context) -> ConfiguredSite:
    """The installation, for commands that ask its plugins: what these log is not for who asks."""
    from ctportd import logs
    from ctportd.site import ConfiguredSite, load_configured_plugins

    config = config_of(ctx)
    ctx.with_resource(logs.quiet())
    return ConfiguredSite(config, load_configured_plugins(config))


def control_of(ctx: click.Context) -> ControlClient:
    """What speaks to the running daemon."""
    from ctportd.control.client import ControlClient

    return ControlClient(Path(config_of(ctx).file.control.socket))


def with_store(ctx: click.Context, use: Any) -> Any:
    """Look into the database: returns what ``use`` does, given the store."""
    from ctportd.store import Store

    async def work(store: Store) -> Any:
        await store.open(create=False)
        try:
            return await use(store)
        finally:
            await store.close()

    return wait_for(work(Store(config_of(ctx).store_url)))


def wait_for(work: Coroutine[Any, Any, Any]) -> Any:
    """Do something to its end."""
    return asyncio.run(work)
