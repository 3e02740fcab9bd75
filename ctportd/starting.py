"""The start of a daemon, and its end as a process: what must be settled before its loop begins to turn."""

from __future__ import annotations

import asyncio
import errno
import signal
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ctportd import logs
from ctportd.checks import check_folders, check_programs, warn_of_open_doors
from ctportd.conduct import settle
from ctportd.daemon import Daemon
from ctportd.detach import detached, pid_file
from ctportd.errors import ConfigError, CtportdError, StorageError
from ctportd.hooks.running import run_to_the_end
from ctportd.privileges import account_of, become
from ctportd.rotating import rotate_logs, tell_rolled
from ctportd.running import keeping_of
from ctportd.site import load_configured_plugins
from ctportd.systemd import Systemd
from ctportd.terminal import ControllingTerminal

if TYPE_CHECKING:
    from collections.abc import Coroutine, Iterator

    from ctportd.config import Config

ENDINGS = (signal.SIGTERM, signal.SIGINT)
"""What tells the daemon to stop."""

_PASSING = (errno.ENOSPC, errno.EROFS, errno.EIO)
"""Faults of the disk, and not of the configuration: they may pass, so that systemd is to try again."""


def run_daemon(config: Config, pid: Path | None, user: str = "", group: str = "") -> None:
    """Run the daemon to its end: in the foreground, or, with a pid file, in the background.

    Args:
        config: What it is to do.
        pid: Where the pid is kept in the background.
        user: As whom, name or number, where the configuration's is not meant. Only root can become somebody else.
        group: Likewise.

    Raises:
        ConfigError: The configuration, or a plugin of it, will not do.
        StorageError: The disk does not take the log now.
        CtportdError: Whatever the run itself cannot do without.
    """
    settle()
    table = config.file.daemon
    account = account_of(config.source, user or table.user, group or table.group)
    if pid is not None and not config.file.log.file:
        raise ConfigError(
            f"{config.source}: [log] file: found '', expected a file: --daemonize leaves no terminal"
        )
    with detached() if pid is not None else nullcontext(Systemd.of_environment()) as systemd:
        if account is not None:
            become(account, config, pid)
        with pid_file(pid) if pid is not None else nullcontext():
            _run(config, systemd, terminal=pid is None)


def _run(config: Config, systemd: Systemd, *, terminal: bool) -> None:
    signal.signal(signal.SIGUSR1, signal.SIG_IGN)  # a rotation that is asked for now would end us
    check_programs(config)
    check_folders(config)
    plugins = load_configured_plugins(config)
    log_file = _open_log(config)
    logs.set_up(config.file.log.level, log_file, terminal=terminal)
    warn_of_open_doors(config)

    async def run() -> None:
        daemon = Daemon(config, plugins, log_file, systemd=systemd)
        with _told_by_signals(daemon, ControllingTerminal()):
            await daemon.run()

    try:
        run_to_the_end(run())
    finally:
        logs.flush()
        if log_file is not None:
            log_file.close()


@contextmanager
def _told_by_signals(daemon: Daemon, terminal: ControllingTerminal) -> Iterator[None]:
    """Stop, reload and rotate at signals; what comes after the block is over must not make a bad end of a good one."""
    loop = asyncio.get_running_loop()
    for number in ENDINGS:
        loop.add_signal_handler(number, daemon.stop)
    tasks: set[asyncio.Task[Any]] = set()

    def begin(work: Coroutine[Any, Any, object], name: str) -> None:
        task = asyncio.create_task(work, name=name)
        tasks.add(task)
        task.add_done_callback(tasks.discard)

    def hang_up() -> None:
        if terminal.gone:
            daemon.stop()
        else:
            begin(_reload(daemon), "reload")

    loop.add_signal_handler(signal.SIGHUP, hang_up)
    loop.add_signal_handler(signal.SIGUSR1, lambda: begin(rotate_logs(daemon), "rotation"))
    try:
        yield
    finally:
        for number in (*ENDINGS, signal.SIGHUP, signal.SIGUSR1):
            loop.remove_signal_handler(number)
            signal.signal(number, signal.SIG_IGN)


async def _reload(daemon: Daemon) -> None:
    with suppress(CtportdError):  # which is in the log
        await daemon.reload()


def _open_log(config: Config) -> logs.LogFile | None:
    try:
        table = config.file.log
        return logs.LogFile(Path(table.file), keeping_of(table), tell_rolled) if table.file else None
    except OSError as error:
        problem = f"found {config.file.log.file!r}, which cannot be written: {error.strerror}"
        kind = StorageError if error.errno in _PASSING else ConfigError
        raise kind(f"{config.source}: [log] file: {problem}") from error
