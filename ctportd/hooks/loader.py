"""Finds plugins, loads them, and checks that they fit the hooks.

A plugin is a file ``NAME.py`` or a folder ``NAME/`` with an ``__init__.py`` in the plugins' folder; names that begin
with an underscore or a dot are left alone.
"""

from __future__ import annotations

import importlib.util
import inspect
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

import msgspec
import pluggy

from ctportd.checking import convert
from ctportd.errors import ConfigError, PluginError
from ctportd.hooks import specs
from ctportd.hooks.markers import PROJECT
from ctportd.hooks.owners import check_owners
from ctportd.hooks.results import LISTING, told
from ctportd.nearest import no_such

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

ENABLED = "enabled"
"""The one key that every plugin's table has: ``enabled = false`` leaves the plugin out."""

PACKAGE = "ctportd_plugins"
"""Where plugins stand in ``sys.modules``, out of the way of everything else."""


class Plugin:
    """One loaded plugin.

    Attributes:
        name: The name of its file or folder.
        module: The module.
        settings: Its table: an instance of the module's ``Settings``, or the dictionary.
        hooks: Its implementation of each hook that it has.
    """

    def __init__(self, name: str, module: ModuleType, settings: Any, hooks: dict[str, pluggy.HookImpl]) -> None:
        self.name = name
        self.module = module
        self.settings = settings
        self.hooks = hooks


class Plugins:
    """All plugins: those that were loaded, in the order of their names, and why the others were not.

    Attributes:
        loaded: Those that run.
        failed: Those that could not be loaded, each with the reason.
        disabled: Those whose table says ``enabled = false``.
    """

    def __init__(
        self, loaded: dict[str, Plugin], failed: dict[str, PluginError], disabled: frozenset[str] = frozenset()
    ) -> None:
        self.loaded = loaded
        self.failed = failed
        self.disabled = disabled

    def check_handlers(self, handlers: list[str], where: str) -> None:
        """Check that these plugins exist and answer calls; those that could not be loaded pass.

        Raises:
            ConfigError: One does not.
        """
        for name in handlers:
            problem = "" if name in self.failed else self.problem_with(name)
            if problem:
                raise ConfigError(f"{where} handlers: {problem}")

    def problem_with(self, name: str) -> str:
        """Why a plugin of this name cannot answer calls; empty where it can."""
        if name in self.failed:
            return str(self.failed[name])
        if name in self.disabled:
            return f"the plugin {name!r} is not enabled: see [plugins.{name}]"
        if name not in self.loaded:
            return no_such("plugin", name, [*self.loaded, *self.failed])
        if "answer_call" not in self.loaded[name].hooks:
            return f"the plugin {name!r} answers no calls: it has no answer_call"
        return ""


def load_plugins(directory: Path, tables: dict[str, dict[str, Any]], source: str) -> Plugins:
    """Load every plugin of a folder.

    Args:
        directory: The folder.
        tables: Each plugin's own table of the configuration.
        source: The configuration's file, for errors.

    Raises:
        ConfigError: The folder is not there, a table is that of no plugin, or a plugin refuses its table. A plugin that
            cannot be loaded raises nothing: it is among the failed ones.
    """
    if not directory.is_dir():
        raise ConfigError(f"{source}: [plugins] directory: found {str(directory)!r}, which is no folder")
    return load_found(find_plugins(directory), tables, source)


def load_found(
    paths: Mapping[str, Path],
    tables: dict[str, dict[str, Any]],
    source: str,
    check: Callable[[str, Path], None] = check_owners,
    package: str = PACKAGE,
) -> Plugins:
    """Load plugins that were found, each name with its file.

    Args:
        paths: Name and file of each.
        tables: Each plugin's own table of the configuration.
        source: The configuration's file, for errors.
        check: Raises PluginError for a plugin whose code is not to be run.
        package: Under which name they stand in ``sys.modules``.

    Raises:
        ConfigError: As for :func:`load_plugins`.
    """
    for name in tables:
        if name not in paths:
            raise ConfigError(f"{source}: [plugins.{name}]: {no_such('plugin', name, list(paths))}")
    loaded: dict[str, Plugin] = {}
    failed: dict[str, PluginError] = {}
    disabled: set[str] = set()
    for name, path in paths.items():
        table = dict(tables.get(name, {}))
        if not _enabled(table, f"{source}: [plugins.{name}]"):
            disabled.add(name)
            continue
        try:
            check(name, path)
            module = load_module(name, path, package)
            hooks = hooks_of(name, module)
            settings = _settings_of(module, table, source, name)
        except PluginError as error:
            failed[name] = error
        else:
            loaded[name] = Plugin(name, module, settings, hooks)
    return Plugins(loaded, failed, frozenset(disabled))


def find_plugins(directory: Path) -> dict[str, Path]:
    """The plugins of a folder: each name with the file to load."""
    found: dict[str, Path] = {}
    for path in sorted(directory.iterdir()):
        if path.name.startswith(("_", ".")):
            continue
        if path.suffix == ".py" and path.is_file():
            found[path.stem] = path
        elif (path / "__init__.py").is_file():
            found[path.name] = path / "__init__.py"
    return found


def load_module(name: str, path: Path, package: str = PACKAGE) -> ModuleType:
    """Run a plugin's file.

    Raises:
        PluginError: It raised something, or tried to end the process.
    """
    full_name = f"{package}.{name}"
    search = [str(path.parent)] if path.name == "__init__.py" else None
    spec = importlib.util.spec_from_file_location(full_name, path, submodule_search_locations=search)
    if spec is None or spec.loader is None:
        raise PluginError(name, f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    parent = sys.modules.setdefault(package, ModuleType(package))
    parent.__path__ = []  # folders in a plugin's folder are imported by way of it
    sys.modules[full_name] = module
    try:
        spec.loader.exec_module(module)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        sys.modules.pop(full_name, None)
        raise PluginError(name, f"cannot be loaded from {path}: {told(error)}") from error
    return module


def hooks_of(name: str, module: ModuleType) -> dict[str, pluggy.HookImpl]:
    """The hooks that a module implements.

    Raises:
        PluginError: A function that is marked is no hook, or takes arguments that the hook does not have.
    """
    manager = pluggy.PluginManager(PROJECT)
    manager.add_hookspecs(specs)
    known = list(vars(manager.hook))
    try:
        manager.register(module, name)
    except pluggy.PluginValidationError as error:
        raise PluginError(name, " ".join(str(error).split())) from error
    hooks: dict[str, pluggy.HookImpl] = {}
    for caller in manager.get_hookcallers(module) or []:
        if caller.name not in known:
            raise PluginError(name, no_such("hook", caller.name, known))
        implementation, *more = caller.get_hookimpls()
        problem = "is there twice" if more else _misfit(caller.name, implementation)
        if problem:
            raise PluginError(name, f"{caller.name} {problem}")
        hooks[caller.name] = implementation
    return hooks


def _misfit(name: str, implementation: pluggy.HookImpl) -> str:
    """Why a function of the right name and arguments cannot be called as a hook; empty where it can."""
    if implementation.wrapper or implementation.hookwrapper:
        return "is a wrapper: plugins are called apart from each other, so none can wrap"
    function = implementation.function
    if (inspect.isgeneratorfunction(function) and name not in LISTING) or inspect.isasyncgenfunction(function):
        return "has a yield: nothing of it would run"
    for parameter in inspect.signature(implementation.function).parameters.values():
        if parameter.kind is parameter.KEYWORD_ONLY and parameter.default is parameter.empty:
            return f"takes {parameter.name!r} by keyword only: hooks are called without keywords"
    return ""


def _enabled(table: dict[str, Any], where: str) -> bool:
    enabled = table.pop(ENABLED, True)
    if not isinstance(enabled, bool):
        raise ConfigError(f"{where} {ENABLED}: found {enabled!r}, expected true or false")
    return enabled


def _settings_of(module: ModuleType, table: dict[str, Any], source: str, name: str) -> Any:
    """A plugin's table, as the plugin wants it.

    Raises:
        ConfigError: The table does not fit.
        PluginError: The type itself cannot be used: what it names is not there when the plugin runs, or it raises.
    """
    settings = getattr(module, "Settings", None)
    if not (isinstance(settings, type) and issubclass(settings, msgspec.Struct)):
        return table
    try:
        return convert(table, settings, source, f"plugins.{name}")
    except ConfigError:
        raise
    except Exception as error:
        raise PluginError(name, f"its Settings cannot be used: {told(error)}") from error
