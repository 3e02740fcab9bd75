"""Started as root, the daemon becomes the user that it is to run as: what needs root is done before."""

from __future__ import annotations

import grp
import os
import pwd
import stat
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ctportd.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd.config import Config

_ROOT = 0
_OTHERS = stat.S_IWGRP | stat.S_IWOTH


class Account(NamedTuple):
    """Whom the daemon runs as.

    Attributes:
        name: The user's; a number, where the system knows no name for it.
        user: The user's number.
        group: The group's number.
        home: The user's home folder.
        known: Whether the system knows the user, and so the groups that it is in.
    """

    name: str
    user: int
    group: int
    home: str
    known: bool


def account_of(source: str, user: str, group: str) -> Account | None:
    """Whom to become; None: nobody else.

    Args:
        source: The configuration's file, for errors.
        user: Name or number; empty: whoever starts the daemon.
        group: Likewise; empty: the user's own.

    Raises:
        ConfigError: There is none of that name, or we are not root.
    """
    if not user:
        if group:
            raise ConfigError(f"{source}: [daemon] group: found {group!r} without a user, expected both")
        return None
    account = _account(source, user)
    if group:
        account = account._replace(group=_group(source, group))
    if os.geteuid() == _ROOT or (account.user, account.group) != (os.geteuid(), os.getegid()):
        if os.geteuid() != _ROOT:
            problem = f"found {user!r}, which only root can become; start it as root, or as that user and group"
            raise ConfigError(f"{source}: [daemon] user: {problem}")
        return account
    return None


def _account(source: str, user: str) -> Account:
    try:
        entry = pwd.getpwuid(int(user)) if user.isdecimal() else pwd.getpwnam(user)
    except KeyError:
        if user.isdecimal():
            return Account(user, int(user), int(user), "/", known=False)
        problem = f"there is no user {user!r}; make one: useradd --system {user}"
        raise ConfigError(f"{source}: [daemon] user: {problem}") from None
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid, entry.pw_dir, known=True)


def _group(source: str, group: str) -> int:
    if group.isdecimal():
        return int(group)
    try:
        return grp.getgrnam(group).gr_gid
    except KeyError:
        problem = f"there is no group {group!r}; make one: groupadd --system {group}"
        raise ConfigError(f"{source}: [daemon] group: {problem}") from None


def become(account: Account, config: Config, pid_file: Path | None) -> None:
    """Make the folders that only root can make, give them to the user, and be that user from now on.

    Raises:
        ConfigError: The user cannot work in one of the folders.
    """
    folders = dict(_folders(config, pid_file))
    for folder in folders.values():
        _make(folder.absolute(), account)
    if account.known:
        os.initgroups(account.name, account.group)
    else:
        os.setgroups([account.group])
    os.setgid(account.group)
    os.setuid(account.user)
    os.environ.update(HOME=account.home, USER=account.name, LOGNAME=account.name)
    for key, folder in folders.items():
        _check(f"{config.source}: {key}", folder, account)


def _folders(config: Config, pid_file: Path | None) -> Iterator[tuple[str, Path]]:
    """The folders in which the daemon makes files, each by the key that names it."""
    yield "[daemon] state", config.state
    yield "[control] socket", Path(config.file.control.socket).parent
    if config.file.log.file:
        yield "[log] file", Path(config.file.log.file).parent
    if config.virtual is not None and config.file.exchange.log:
        yield "[exchange] log", Path(config.file.exchange.log).parent
    if pid_file is not None:
        yield "--pid-file", pid_file.parent


def _make(folder: Path, account: Account) -> None:
    """Make a folder, and those on the way to it, if it takes root to do so; in all others, the user does it."""
    missing = []
    while not folder.exists():
        missing.append(folder)
        folder = folder.parent
    found = folder.stat()
    if found.st_uid != _ROOT or found.st_mode & _OTHERS:
        return  # somebody else could exchange what root makes there
    for made in reversed(missing):
        made.mkdir(0o750)
    for made in missing:
        os.chown(made, account.user, account.group)


def _check(where: str, folder: Path, account: Account) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        problem = f"the user {account.name} cannot make {error.filename}: {error.strerror}"
        raise ConfigError(f"{where}: {problem}; name another folder, or make it for that user") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        problem = f"the user {account.name} cannot make files in {folder}"
        raise ConfigError(f"{where}: {problem}; name a folder of its own, or chown it to that user")
