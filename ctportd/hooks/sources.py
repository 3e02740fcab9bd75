"""Where plugins come from: files in the plugins' folder, packages that are installed, and ctportd itself.

A plugin is a file ``NAME.py`` or a folder ``NAME/`` with an ``__init__.py`` in the plugins' folder; names that begin
with an underscore or a dot are left alone. Or it is a module of an installed package, which names it in the group
``ctportd.plugins`` of its entry points.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
from importlib import metadata
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Protocol

from ctportd.errors import PluginError
from ctportd.hooks import generations
from ctportd.hooks.owners import check_owners
from ctportd.hooks.results import told
from ctportd.shipped import shipped

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

GROUP = "ctportd.plugins"
"""The group of entry points in which packages name their plugins."""

PACKAGE = "ctportd_plugins"
"""Where plugins of files stand in ``sys.modules``, out of the way of everything else."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")  # what a table and a handler can say


class Source(Protocol):
    """One plugin that was found, and not run yet."""

    @property
    def where(self) -> str:
        """What people find it by: its file, or the package with its version."""

    def check(self, name: str) -> None:
        """See that its code may be run.

        Raises:
            PluginError: It may not, and why.
        """

    def fingerprint(self, name: str) -> str:
        """Tells its code from any other code of it.

        Raises:
            PluginError: It cannot be read.
        """

    def load(self, name: str, generation: int = 0) -> ModuleType:
        """Run its code. A ``generation`` that is not 0 stands beside older ones of it, which may be used still.

        Raises:
            PluginError: It raised something, or tried to end the process.
        """

    def unload(self, module: ModuleType) -> None:
        """Take what :meth:`load` has returned out of ``sys.modules``."""


class PluginFile:
    """A plugin in a folder.

    Args:
        path: The file to load.
        package: Under which name it stands in ``sys.modules``.
    """

    def __init__(self, path: Path, package: str = PACKAGE) -> None:
        self.path = path
        self._package = package
        self._held: tuple[str, dict[str, bytes]] | None = None

    @property
    def where(self) -> str:
        """Its file."""
        return str(self.path)

    def check(self, name: str) -> None:
        """Where we are root, nobody else may be able to change it."""
        check_owners(name, self.path)

    def fingerprint(self, name: str) -> str:
        """The sum of what its files hold: the file alone, or all that is below its folder."""
        return self._read(name)[0]

    def _read(self, name: str) -> tuple[str, dict[str, bytes]]:
        """Its fingerprint, and what its Python files hold: read once, so that the two fit."""
        if self._held is None:
            total = hashlib.blake2b()
            texts: dict[str, bytes] = {}
            try:
                for path in self._files():
                    content = path.read_bytes()
                    total.update(f"{path}\0{len(content)}\0".encode("utf-8", "surrogateescape"))
                    total.update(content)
                    if path.suffix == ".py":
                        texts[str(path)] = content
            except OSError as error:
                raise PluginError(name, f"{error.filename} cannot be read: {error.strerror}") from error
            self._held = total.hexdigest(), texts
        return self._held

    def _files(self) -> Iterator[Path]:
        if self.path.name != "__init__.py":
            yield self.path
            return
        for parent, folders, files in os.walk(self.path.parent):
            folders[:] = sorted(folder for folder in folders if not passing(folder))
            yield from (Path(parent, file) for file in sorted(files) if not passing(file))

    def load(self, name: str, generation: int = 0) -> ModuleType:
        """Run the file."""
        loader, module = generations.module_for(self._package, name, self.path, self._read(name)[1], generation)
        try:
            loader.exec_module(module)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            self.unload(module)
            raise PluginError(name, f"cannot be loaded from {self.path}: {told(error)}") from error
        return module

    def unload(self, module: ModuleType) -> None:
        """Forget the module, and all below it."""
        generations.forget(module.__name__)


class ShippedPlugin(PluginFile):
    """A plugin that comes with ctportd. Who can change it can change ctportd, too: nobody asks whose it is."""

    def check(self, name: str) -> None:
        """It may be run."""


class InstalledPlugin:
    """A plugin of an installed package.

    Args:
        entries: The entry points of its name: one, unless two packages have it.
    """

    def __init__(self, entries: Iterable[metadata.EntryPoint]) -> None:
        self._entries = list(entries)

    @property
    def where(self) -> str:
        """The package with its version."""
        return " and ".join(sorted(_package_of(entry) for entry in self._entries))

    def check(self, name: str) -> None:
        """One package has it, its name can stand in a configuration, and where we are root only root can change it."""
        if len(self._entries) > 1:
            raise PluginError(name, f"is in two packages, {self.where}: uninstall one")
        if not _NAME.fullmatch(name):
            raise PluginError(name, f"the package {self.where} calls it so: letters, digits, _ and - are expected")
        for path in self._files():
            check_owners(name, path)

    def _files(self) -> list[Path]:
        """What is looked at for the owner: the outermost package, which is run before the plugin's own module is."""
        outermost = self._entries[0].module.partition(".")[0]
        try:
            spec = importlib.util.find_spec(outermost)
        except (ImportError, ValueError):  # what is wrong is told when it is loaded
            return []
        if spec is None:
            return []
        if spec.origin is not None:
            return [Path(spec.origin)]
        return [Path(folder) / "__init__.py" for folder in spec.submodule_search_locations or ()]

    def fingerprint(self, name: str) -> str:  # noqa: ARG002 - as any source
        """The package with its version: the code that was imported stays until the process ends."""
        return self.where

    def load(self, name: str, generation: int = 0) -> ModuleType:  # noqa: ARG002 - as above
        """Import the module that the entry point names."""
        entry = self._entries[0]
        try:
            module = entry.load()
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            problem = f"{entry.value} of the package {self.where} cannot be loaded: {told(error)}"
            raise PluginError(name, problem) from error
        if not isinstance(module, ModuleType):
            raise PluginError(name, f"{entry.value} of the package {self.where} is no module")
        return module

    def unload(self, module: ModuleType) -> None:
        """Leave it: others may have imported it."""


def passing(name: str) -> bool:
    """Whether a file or folder is no part of a plugin: hidden, compiled, or left by an editor for the moment."""
    return name.startswith((".", "#")) or name.endswith(("~", ".pyc", ".tmp")) or name in ("__pycache__", "4913")


def _package_of(entry: metadata.EntryPoint) -> str:
    return f"{entry.dist.name} {entry.dist.version}" if entry.dist is not None else entry.value


def find_plugins(directory: Path) -> dict[str, PluginFile]:
    """The plugins of a folder, by their names."""
    return {name: PluginFile(path) for name, path in _find(directory)}


def find_shipped() -> dict[str, ShippedPlugin]:
    """The plugins that come with ctportd, by their names."""
    return {name: ShippedPlugin(path) for name, path in _find(shipped("plugins"))}


def _find(directory: Path) -> Iterator[tuple[str, Path]]:
    """Each plugin of a folder: its name, and the file to load."""
    for path in sorted(directory.iterdir()):
        if path.name.startswith(("_", ".")):
            continue
        if path.suffix == ".py" and path.is_file():
            yield path.stem, path
        elif (path / "__init__.py").is_file():
            yield path.name, path / "__init__.py"


def find_installed() -> dict[str, InstalledPlugin]:
    """The plugins of installed packages, by their names."""
    entries: dict[str, list[metadata.EntryPoint]] = {}
    for entry in metadata.entry_points(group=GROUP):
        entries.setdefault(entry.name, []).append(entry)
    return {name: InstalledPlugin(entries[name]) for name in sorted(entries)}


def find_all(directory: Path, *, with_shipped: bool) -> tuple[dict[str, Source], dict[str, str]]:
    """Every plugin there is, by its name; and those that are left out, since the folder has one of that name.

    The folder's are taken before those of installed packages, and these before the shipped ones.

    Args:
        directory: The folder.
        with_shipped: Whether those that come with ctportd are among them.

    Returns:
        The plugins, and the package of each that is left out.
    """
    own, installed = find_plugins(directory), find_installed()
    ships = find_shipped() if with_shipped else {}
    hidden = {
        name: f"ctportd {metadata.version('ctportd')}" for name in ships if _differs(own.get(name), ships[name])
    }
    hidden |= {name: source.where for name, source in installed.items() if name in own}
    return {**ships, **installed, **own}, hidden


def _differs(own: PluginFile | None, ships: PluginFile) -> bool:
    return own is not None and own.path.resolve() != ships.path.resolve()
