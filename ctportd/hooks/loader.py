"""Loads plugins, and checks that they fit the hooks and the configuration."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pluggy

from ctportd.checking import convert
from ctportd.errors import ConfigError, PluginError
from ctportd.hooks import specs
from ctportd.hooks.markers import PROJECT
from ctportd.hooks.results import LISTING, told
from ctportd.hooks.sources import find_all
from ctportd.nearest import no_such

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path
    from types import ModuleType

    from ctportd.hooks.sources import Source

ENABLED = "enabled"
"""The one key that every plugin's table has: ``enabled = false`` leaves the plugin out."""


class Origin(NamedTuple):
    """What a plugin was made from.

    Attributes:
        source: Where its code comes from.
        fingerprint: Of the code.
        table: Its table of the configuration.
    """

    source: Source
    fingerprint: str
    table: dict[str, Any]


class Plugin:
    """One loaded plugin.

    Attributes:
        name: The name of its file, folder or entry point.
        module: The module.
        settings: Its table: an instance of the module's ``Settings``, or the dictionary.
        hooks: Its implementation of each hook that it has.
        origin: What it was made from, if it was found somewhere.
    """

    def __init__(
        self,
        name: str,
        module: ModuleType,
        settings: Any,
        hooks: dict[str, pluggy.HookImpl],
        origin: Origin | None = None,
    ) -> None:
        self.name = name
        self.module = module
        self.settings = settings
        self.hooks = hooks
        self.origin = origin

    def unload(self) -> None:
        """Take its modules out of ``sys.modules``: it is over."""
        if self.origin is not None:
            self.origin.source.unload(self.module)


class Refusal(NamedTuple):
    """Why something newer is not taken.

    Attributes:
        error: The reason.
        fingerprint: Of the code that could not be loaded.
        table: The table that it did not get.
    """

    error: PluginError
    fingerprint: str
    table: dict[str, Any]


class Plugins:
    """All plugins: those that were loaded, in the order of their names, and why the others were not.

    Attributes:
        loaded: Those that run.
        failed: Those that could not be loaded, each with the reason.
        disabled: Those whose table says ``enabled = false``.
        hidden: Those of installed packages, or of ctportd, that are not taken, since the folder has one of that name:
            the package of each.
        where: What people find each by: its file, or its package.
        refused: Those of which there is something newer that could not be loaded, whether an older one runs or none.
    """

    def __init__(
        self,
        loaded: dict[str, Plugin],
        failed: dict[str, PluginError] | None = None,
        disabled: frozenset[str] = frozenset(),
    ) -> None:
        self.loaded = loaded
        self.failed = failed or {}
        self.disabled = disabled
        self.hidden: dict[str, str] = {}
        self.where: dict[str, str] = {}
        self.refused: dict[str, Refusal] = {}

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


def check_directory(directory: Path, source: str) -> None:
    """See that there is a folder of plugins.

    Raises:
        ConfigError: There is none.
    """
    if not directory.is_dir():
        raise ConfigError(f"{source}: [plugins] directory: found {str(directory)!r}, which is no folder")


def load_plugins(
    directory: Path, tables: dict[str, dict[str, Any]], source: str, *, with_shipped: bool = False
) -> Plugins:
    """Load every plugin of a folder, and those of installed packages. Of two of the same name, the folder's is taken.

    Args:
        directory: The folder.
        tables: Each plugin's own table of the configuration.
        source: The configuration's file, for errors.
        with_shipped: Whether those that come with ctportd are loaded, too.

    Raises:
        ConfigError: The folder is not there, a table is that of no plugin, or a plugin refuses its table. A plugin that
            cannot be loaded raises nothing: it is among the failed ones.
    """
    check_directory(directory, source)
    found, hidden = find_all(directory, with_shipped=with_shipped)
    plugins = load_found(found, tables, source)
    plugins.hidden = hidden
    return plugins


def check_tables(tables: Iterable[str], found: Mapping[str, Source], source: str) -> None:
    """See that there is a plugin for each table.

    Raises:
        ConfigError: There is none for one.
    """
    for name in tables:
        if name not in found:
            raise ConfigError(f"{source}: [plugins.{name}]: {no_such('plugin', name, list(found))}")


def load_found(found: Mapping[str, Source], tables: dict[str, dict[str, Any]], source: str) -> Plugins:
    """Load plugins that were found.

    Args:
        found: Each by its name.
        tables: As for :func:`load_plugins`.
        source: Likewise.

    Raises:
        ConfigError: As for :func:`load_plugins`.
    """
    check_tables(tables, found, source)
    loaded: dict[str, Plugin] = {}
    failed: dict[str, PluginError] = {}
    disabled: set[str] = set()
    for name in sorted(found):
        table = enabled_table(name, tables, source)
        if table is None:
            disabled.add(name)
            continue
        try:
            loaded[name] = load_one(name, found[name], table, source)
        except PluginError as error:
            failed[name] = error
    plugins = Plugins(loaded, failed, frozenset(disabled))
    plugins.where = {name: found[name].where for name in found}
    return plugins


def enabled_table(name: str, tables: Mapping[str, dict[str, Any]], source: str) -> dict[str, Any] | None:
    """A plugin's own table, without what every one has; None: it is not enabled.

    Raises:
        ConfigError: It says neither that it is nor that it is not.
    """
    table = dict(tables.get(name, {}))
    return table if _enabled(table, f"{source}: [plugins.{name}]") else None


def load_one(name: str, found: Source, table: dict[str, Any], source: str, generation: int = 0) -> Plugin:
    """Load one plugin.

    Args:
        name: Its name.
        found: Where its code comes from.
        table: Its table of the configuration.
        source: The configuration's file, for errors.
        generation: 0 for the first; a later one stands beside older ones.

    Raises:
        ConfigError: It refuses its table.
        PluginError: It cannot be loaded.
    """
    found.check(name)
    origin = Origin(found, found.fingerprint(name), dict(table))  # before it is loaded: what changes then is seen
    module = found.load(name, generation)
    try:
        hooks = hooks_of(name, module)
        settings = _settings_of(module, table, source, name)
    except BaseException:
        found.unload(module)
        raise
    return Plugin(name, module, settings, hooks, origin)


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
