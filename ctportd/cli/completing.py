"""What a shell is offered for the rest of a word: as quickly as a person types, and nothing where anything is wrong."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctportd.cli.shared import default_config, load_config
from ctportd.errors import CtportdError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import click

    from ctportd.config import Config

_MOST = 50  # calls and messages that are offered: the newest


def _completer(
    words: Callable[[Config], Iterable[str]],
) -> Callable[[click.Context, click.Parameter, str], list[str]]:
    """What offers these words of the configuration."""

    def complete(ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
        with suppress(CtportdError, OSError):
            path = ctx.find_root().params.get("config") or default_config()
            if path is not None:
                return [word for word in words(load_config(path)) if word.startswith(incomplete)]
        return []

    return complete


def _ports(config: Config) -> list[str]:
    """By number, where that says which is meant."""
    found = [(table.name, port.number) for table in config.file.ctserver for port in config.ports_of(table)]
    numbers = [number for _, number in found]
    return [str(number) if numbers.count(number) == 1 else f"{name}:{number}" for name, number in found]


def _plugins(config: Config) -> list[str]:
    folder = Path(config.file.plugins.directory)
    files = [path for path in folder.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file()]
    return sorted(path.stem for path in files if path.name[0] not in "_.")


def _mailboxes(config: Config) -> list[str]:
    table: Any = config.plugins.get("voicemail", {})
    mailboxes = table.get("mailboxes", {}) if isinstance(table, dict) else {}
    return sorted(mailboxes)


def _handlers(config: Config) -> list[str]:
    """Those of the ports, and every mailbox: what answers calls is not known without running the plugins."""
    of_ports = {handler for port in config.file.port for handler in port.handlers}
    return sorted({*of_ports, *(f"voicemail:{mailbox}" for mailbox in _mailboxes(config))})


def _newest(query: str) -> Callable[[Config], list[str]]:
    def words(config: Config) -> list[str]:
        from ctportd.store.glance import glance

        return glance(config.store_url, query, _MOST)

    return words


complete_ports = _completer(_ports)
complete_addresses = _completer(
    lambda config: [
        f"{table.name}:{port.number}" for table in config.file.ctserver for port in config.ports_of(table)
    ]
)
complete_plugins = _completer(_plugins)
complete_mailboxes = _completer(_mailboxes)
complete_handlers = _completer(_handlers)
complete_calls = _completer(
    lambda config: ["last", *_newest("SELECT id FROM calls ORDER BY began DESC LIMIT ?")(config)]
)
complete_messages = _completer(_newest("SELECT id FROM messages ORDER BY id DESC LIMIT ?"))
