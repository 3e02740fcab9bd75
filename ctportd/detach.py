"""Runs the daemon in the background, for systems without systemd."""

from __future__ import annotations

import fcntl
import os
import sys
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

import msgspec
from daemon import DaemonContext

from ctportd.conduct import strict_umask
from ctportd.errors import ConfigError, CtportdError, ServerError
from ctportd.systemd import Systemd

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


class _Outcome(msgspec.Struct):
    """What became of the start.

    Attributes:
        error: Why it failed; empty: the daemon is ready.
        configuration: Whether the configuration is to blame.
    """

    error: str = ""
    configuration: bool = False


@contextmanager
def detached() -> Iterator[Systemd]:
    """Leave the terminal: the block runs in the background, and is given whom to tell that it is ready.

    The process that called waits for that, and then ends with status 0. What keeps the daemon from it is raised there,
    where somebody reads it.

    Raises:
        ConfigError: The configuration will not do.
        CtportdError: The daemon cannot start for another reason.
    """
    reader, writer = os.pipe()
    first = os.fork()
    if first:
        os.close(writer)
        os.waitpid(first, 0)  # it ends when it has left the terminal, or could not
        _wait(reader)
        raise SystemExit(0)
    os.close(reader)
    context = DaemonContext(
        working_directory=os.getcwd(),  # noqa: PTH109 - python-daemon wants text
        umask=strict_umask(),
        detach_process=True,
        files_preserve=[writer],
        stderr=sys.stderr,  # until the daemon is ready, what nobody has foreseen is for the terminal
    )
    with context:
        starter = _Starter(writer)
        try:
            yield Systemd(lambda message: starter.tell(_Outcome()) if message == "READY=1" else None)
        except CtportdError as error:
            starter.tell(_Outcome(str(error), isinstance(error, ConfigError)))
            raise


def _wait(reader: int) -> None:
    """Wait until the daemon is ready. Raises what has kept it from that."""
    with open(reader, "rb") as pipe:
        told = pipe.read()
    if not told:
        raise ServerError("the daemon ended before it was ready; its log says more, or what is printed above")
    outcome = msgspec.json.decode(told, type=_Outcome)
    if outcome.error:
        raise (ConfigError if outcome.configuration else CtportdError)(outcome.error)


class _Starter:
    """The process that has started the daemon, and waits."""

    def __init__(self, pipe: int) -> None:
        self._pipe = pipe

    def tell(self, outcome: _Outcome) -> None:
        """Tell it what it waits for; from then on nobody reads what we print."""
        if self._pipe < 0:
            return
        with suppress(BrokenPipeError):  # it was interrupted, and does not want to know
            os.write(self._pipe, msgspec.json.encode(outcome))
        os.close(self._pipe)
        self._pipe = -1
        nowhere = os.open(os.devnull, os.O_RDWR)
        os.dup2(nowhere, sys.stderr.fileno())
        os.close(nowhere)


@contextmanager
def pid_file(path: Path) -> Iterator[None]:
    """Hold the pid in a file as long as the block runs.

    The file is locked meanwhile, so that one that a killed daemon left behind is replaced, whoever has its pid now.

    Raises:
        ServerError: Another daemon has it locked, or it cannot be written.
    """
    path = path.absolute()
    try:
        held = _lock(path)
        os.ftruncate(held, 0)
        os.write(held, f"{os.getpid()}\n".encode())
    except OSError as error:
        raise ServerError(f"the pid file {path} cannot be written: {error.strerror}") from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        os.close(held)


def _lock(path: Path) -> int:
    path.parent.mkdir(parents=True, exist_ok=True)
    while True:
        held = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o644)
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is(path, held):
                return held
        except BlockingIOError:
            pid = os.read(held, 20).decode("ascii", "replace").strip()
            os.close(held)
            raise ServerError(f"a ctportd is running already: {path} names process {pid}") from None
        os.close(held)  # whoever had it has removed it meanwhile


def _is(path: Path, held: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(held))
    except FileNotFoundError:
        return False
