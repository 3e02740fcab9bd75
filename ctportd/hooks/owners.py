"""Who can write a plugin's files, the configuration, a ctserver: as root, nobody's code is run but root's."""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from ctportd.errors import ConfigError, PluginError

if TYPE_CHECKING:
    from collections.abc import Iterator

_ROOT = 0
_OR = "or run ctportd as another user"


def check_owners(name: str, path: Path) -> None:
    """Check, where we are root, that nobody else can change a plugin, or what leads to it.

    Its files, those below its folder, their compiled forms, and the plugins' folder must belong to root, and be
    writable by nobody else; so must every folder on the way, but for those that are sticky, such as ``/tmp``, in which
    nobody can replace what is root's.

    Args:
        name: The plugin's name.
        path: The file that is loaded.

    Raises:
        PluginError: One does not. It says which, who can write it, and what to do.
    """
    if os.geteuid() != _ROOT:
        return
    try:
        problem = next(filter(None, _problems(path)), None)
    except OSError as error:
        problem = f"{error.filename} cannot be looked at: {error.strerror}"
    if problem is not None:
        raise PluginError(name, f"is not run as root: {problem}")


def check_config_owner(path: Path) -> None:
    """Check, where we are root, that nobody else can change the configuration: it names programs to run.

    Raises:
        ConfigError: Somebody can. It says who, and what to do.
    """
    if os.geteuid() != _ROOT:
        return
    try:
        problem = _on_the_way_problem(path)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if problem is not None:
        raise ConfigError(f"{path}: is not followed as root: {problem}")


def check_found_config(path: Path) -> None:
    """Check that a configuration that nobody named, found in the current folder, is the user's own, or root's.

    Raises:
        ConfigError: Somebody else may have laid it there. It says who, and what to do.
    """
    try:
        problems = (_not_ours(step) for step in (Path.cwd(), path.absolute().parent, path.absolute()))
        problem = next(filter(None, problems), None)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read: {error.strerror}") from error
    if problem is not None:
        raise ConfigError(f"{path}: is not followed: {problem}; name a configuration with --config FILE")


def check_program_owner(source: str, program: str) -> None:
    """Check, where we are root, that nobody else can change a ctserver that we run. One that is not there passes.

    Args:
        source: The configuration's file, for the error.
        program: As the configuration has it.

    Raises:
        ConfigError: Somebody can. It says who, and what to do.
    """
    problem = program_problem(program)
    if problem is not None:
        raise ConfigError(f"{source}: [[ctserver]] program: {program} is not run as root: {problem}")


def program_problem(program: str) -> str | None:
    """Who else can change a program that is to be run as root, and what to do; None: nobody, or we are not root."""
    path = shutil.which(program) if os.geteuid() == _ROOT else None
    if path is None:
        return None
    try:
        return _on_the_way_problem(Path(path))
    except OSError as error:
        return f"{error.filename} cannot be looked at: {error.strerror}"


def _on_the_way_problem(path: Path) -> str | None:
    """Who but root can change what a path leads to; None where nobody can."""
    steps = _on_the_way(path.absolute())
    return next(filter(None, (_problem(step, sticky=step != path.resolve()) for step in steps)), None)


def _not_ours(path: Path) -> str | None:
    """Who else can change a path, or what it leads to; None where nobody can, but the user's own group."""
    for found in (path.lstat(), path.stat()):
        if found.st_uid not in (_ROOT, os.geteuid()):
            return f"{path} belongs to {_user(found.st_uid)}"
        if found.st_mode & stat.S_IWOTH and not stat.S_ISLNK(found.st_mode):
            return f"everybody can write {path}"
    return None


def _problems(path: Path) -> Iterator[str | None]:
    package = path.name == "__init__.py"
    folder = path.absolute().parent.parent if package else path.absolute().parent
    for step in _on_the_way(folder.parent):
        yield _problem(step, sticky=True)
    for step in _on_the_way(folder):
        yield _problem(step, sticky=step != folder.resolve())
    for begin in (path.parent,) if package else (path, path.parent / "__pycache__"):
        for step in _below(begin.absolute()):
            yield _problem(step, sticky=False)
            if step.is_symlink():
                for target in _on_the_way(step):
                    yield _problem(target, sticky=target != step.resolve())


def _on_the_way(path: Path) -> Iterator[Path]:
    """Every folder and link through which a path leads, and where it ends."""
    current = Path(path.anchor)
    yield current
    for part in path.parts[1:]:
        current /= part
        yield current
        if current.is_symlink():
            yield from _on_the_way(current.parent / current.readlink())
            current = current.resolve()


def _below(path: Path) -> Iterator[Path]:
    """A file, or a folder with all that is in it, links not followed."""
    if not os.path.lexists(path):
        return
    yield path
    if path.is_dir():
        for parent, folders, files in os.walk(path):
            yield from (Path(parent, entry) for entry in (*folders, *files))


def _problem(path: Path, *, sticky: bool) -> str | None:
    """Who but root can change a path, and what to do; None where nobody can."""
    found = path.lstat()
    if found.st_uid != _ROOT:
        return f"{path} belongs to {_user(found.st_uid)}; chown root it, {_OR}"
    mode = found.st_mode
    if stat.S_ISLNK(mode) or (sticky and mode & stat.S_ISVTX):
        return None
    if mode & stat.S_IWOTH:
        return f"everybody can write {path}; chmod o-w it, {_OR}"
    if mode & stat.S_IWGRP:  # the group 0 too: it may have members, and an access control list shows as its right
        return f"the group {_group(found.st_gid)} can write {path}; chmod g-w it, {_OR}"
    return None


def _user(number: int) -> str:
    try:
        return f"{pwd.getpwuid(number).pw_name} ({number})"
    except KeyError:
        return str(number)


def _group(number: int) -> str:
    try:
        return f"{grp.getgrgid(number).gr_name} ({number})"
    except KeyError:
        return str(number)
