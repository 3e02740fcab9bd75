"""Loads plugins anew while older ones run: what has not changed is kept as it is, with all that it remembers."""

from __future__ import annotations

import threading
from concurrent.futures import Future, wait
from functools import partial
from itertools import count
from typing import TYPE_CHECKING, Any

from ctportd.errors import ConfigError, PluginError
from ctportd.hooks import generations
from ctportd.hooks.loader import Plugins, Refusal, check_directory, check_tables, enabled_table, load_one
from ctportd.hooks.sources import find_all

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping
    from pathlib import Path

    from ctportd.hooks.loader import Plugin
    from ctportd.hooks.sources import Source

LOAD_TIMEOUT = 10.0
"""Seconds that a plugin's code gets to be loaded, while lines are served (our figure)."""

_generations = count(2)


class Renewal:
    """One loading of plugins beside those that run. It changes nothing of theirs.

    Args:
        before: Those that run.
        tables: Each plugin's own table of the configuration.
        source: The configuration's file, for errors.
    """

    def __init__(self, before: Plugins, tables: Mapping[str, dict[str, Any]], source: str) -> None:
        self._before = before
        self._tables = tables
        self._source = source
        self._new: list[Plugin] = []
        self._begun: list[int] = []
        self._at = ""
        self._given_up = False

    # -- in a thread

    def all_or_none(self, found: Mapping[str, Source], forced: Collection[str] = ()) -> Plugins:
        """Load what has changed, and those of these names though they have not.

        Raises:
            ConfigError: A table is that of no plugin, or a plugin refuses its table.
            PluginError: A plugin cannot be loaded, or there is none of a name that is to be loaded anew.
        """
        loaded: dict[str, Plugin] = {}
        disabled: set[str] = set()
        try:
            check_tables(self._tables, found, self._source)
            for name in sorted(found):
                table = enabled_table(name, self._tables, self._source)
                if table is None:
                    disabled.add(name)
                else:
                    loaded[name] = self._load(name, found[name], table, forced=name in forced)
            _check_forced(forced, loaded)
        except BaseException:
            self.forget()
            raise
        plugins = Plugins(loaded, disabled=frozenset(disabled))
        plugins.where = {name: found[name].where for name in found}
        return plugins

    def each(self, found: Mapping[str, Source]) -> Plugins:
        """Load what has changed and can be loaded. Of what cannot be, the older one stays, if there is one."""
        loaded: dict[str, Plugin] = {}
        disabled: set[str] = set()
        refused: dict[str, Refusal] = {}
        for name in sorted(found):
            try:
                table = enabled_table(name, self._tables, self._source)
                if table is None:
                    disabled.add(name)
                    continue
                refusal = self._refused_before(name, found[name], table)
                if refusal is None:
                    loaded[name] = self._load(name, found[name], table)
                    continue
            except (ConfigError, PluginError) as error:
                refusal = self._refusal(name, found[name], error)
            refused[name] = refusal
            if name in self._before.loaded:
                loaded[name] = self._before.loaded[name]
        failed = {name: refusal.error for name, refusal in refused.items() if name not in loaded}
        plugins = Plugins(loaded, failed, frozenset(disabled))
        plugins.refused = refused
        plugins.where = {name: found[name].where for name in found}
        return plugins

    def _refused_before(self, name: str, source: Source, table: dict[str, Any]) -> Refusal | None:
        """Why this very code was not taken the last time: it is not run again for nothing."""
        refusal = self._before.refused.get(name)
        if refusal is None or refusal.table != table or refusal.fingerprint != source.fingerprint(name):
            return None
        return refusal

    def _refusal(self, name: str, source: Source, error: ConfigError | PluginError) -> Refusal:
        try:
            fingerprint = source.fingerprint(name)
        except PluginError:
            fingerprint = ""
        problem = error if isinstance(error, PluginError) else PluginError(name, str(error))
        return Refusal(problem, fingerprint, dict(self._tables.get(name, {})))

    def _load(self, name: str, source: Source, table: dict[str, Any], *, forced: bool = False) -> Plugin:
        """The plugin that runs, if nothing of it has changed; else a new one."""
        self._at = name
        if self._given_up:
            raise PluginError(name, "is no longer wanted")
        old = self._before.loaded.get(name)
        if not forced and old is not None and self._unchanged(old, source, table):
            return old
        generation = next(_generations)
        self._begun.append(generation)
        plugin = load_one(name, source, table, self._source, generation)
        self._new.append(plugin)
        return plugin

    def _unchanged(self, old: Plugin, source: Source, table: dict[str, Any]) -> bool:
        if old.origin is None or old.origin.table != table or old.origin.source.where != source.where:
            return False
        return old.origin.fingerprint == source.fingerprint(old.name)

    # -- anywhere

    def forget(self) -> None:
        """Take out of ``sys.modules`` whatever was loaded, or was about to be."""
        for plugin in self._new:
            plugin.unload()
        for generation in self._begun:
            generations.forget_generation(generation)

    # -- whoever waits for it

    def run(self, load: Callable[[], Plugins]) -> Plugins:
        """Load in a thread of its own, which is left behind if it does not come to an end.

        Raises:
            ConfigError: As ``load`` does.
            PluginError: Likewise, or one is not loaded in time.
        """
        over: Future[Plugins] = Future()
        threading.Thread(target=self._load_into, args=(load, over), name="loading plugins", daemon=True).start()
        at = None
        while not over.done():
            if at == (self._at, len(self._begun)):
                self._given_up = True
                self.forget()
                problem = f"is not loaded within {LOAD_TIMEOUT:g} s: what it does at import takes too long"
                raise PluginError(self._at, problem)
            at = self._at, len(self._begun)
            wait([over], LOAD_TIMEOUT)
        return over.result()

    def _load_into(self, load: Callable[[], Plugins], over: Future[Plugins]) -> None:
        try:
            over.set_result(load())
        except BaseException as error:  # noqa: BLE001 - it is raised to whoever waits
            over.set_exception(error)
        if self._given_up:
            self.forget()


def _check_forced(forced: Collection[str], loaded: Collection[str]) -> None:
    for name in forced:
        if name not in loaded:
            raise PluginError(name, "cannot be loaded anew: it is not enabled, or there is none of this name")


def load_changed(
    directory: Path,
    tables: Mapping[str, dict[str, Any]],
    source: str,
    before: Plugins,
    forced: Collection[str] = (),
    *,
    with_shipped: bool = False,
) -> Plugins:
    """Load the plugins of a folder, and of installed packages, beside those that run: all or none. For a thread.

    A plugin whose code and table are as they were is kept. Nothing that runs is changed; the plugins that are returned
    are for ``Dispatcher.replace``, or for :func:`give_back`.

    Args:
        directory: The folder.
        tables: Each plugin's own table of the configuration.
        source: The configuration's file, for errors.
        before: The plugins that run.
        forced: Names of plugins that are loaded anew though nothing of theirs has changed.
        with_shipped: Whether those that come with ctportd are among them.

    Raises:
        ConfigError: The folder is not there, a table is that of no plugin, or a plugin refuses its table.
        PluginError: One cannot be loaded. It says which, and why.
    """
    check_directory(directory, source)
    found, hidden = find_all(directory, with_shipped=with_shipped)
    plugins = load_changed_found(found, tables, source, before, forced)
    plugins.hidden = hidden
    return plugins


def load_changed_found(
    found: Mapping[str, Source],
    tables: Mapping[str, dict[str, Any]],
    source: str,
    before: Plugins,
    forced: Collection[str] = (),
) -> Plugins:
    """Likewise, of plugins that were found: each by its name."""
    renewal = Renewal(before, tables, source)
    return renewal.run(partial(renewal.all_or_none, found, forced))


def load_each_changed(
    directory: Path,
    tables: Mapping[str, dict[str, Any]],
    source: str,
    before: Plugins,
    *,
    with_shipped: bool = False,
) -> Plugins:
    """Likewise, each plugin for itself: one that cannot be loaded is among the refused ones, and its older one stays.

    Raises:
        ConfigError: The folder is not there.
        PluginError: One takes too long to load.
    """
    check_directory(directory, source)
    found, hidden = find_all(directory, with_shipped=with_shipped)
    plugins = load_each_found(found, tables, source, before)
    plugins.hidden = hidden
    return plugins


def load_each_found(
    found: Mapping[str, Source], tables: Mapping[str, dict[str, Any]], source: str, before: Plugins
) -> Plugins:
    """Likewise, of plugins that were found: each by its name."""
    renewal = Renewal(before, tables, source)
    return renewal.run(partial(renewal.each, found))


def give_back(plugins: Plugins, before: Plugins) -> None:
    """Take plugins that were loaded, and are not wanted after all, out of ``sys.modules``."""
    for name, plugin in plugins.loaded.items():
        if before.loaded.get(name) is not plugin:
            plugin.unload()
