"""Loads a plugin's code beside an older one of it, and takes it out of ``sys.modules`` again when it is over.

Each generation after the first has a package of its own, and each holds the text of all its modules from its beginning:
what old code imports late is old too, whatever the files are by then. A later generation is compiled from that text:
Python's own cache takes a file of the same second and the same size for unchanged.
"""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from importlib.util import cache_from_source, module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from importlib.machinery import ModuleSpec
    from types import CodeType


class Code(NamedTuple):
    """The code of one generation.

    Attributes:
        texts: What stood in each of its files at the beginning, by the file's path.
        first: Whether it is the first generation in this process, which may be loaded in compiled form.
    """

    texts: Mapping[str, bytes]
    first: bool


class Loader(SourceFileLoader):
    """Runs what stood in a file when its generation began.

    Args:
        name: The module's full name.
        path: The file.
        code: The generation's code.
    """

    def __init__(self, name: str, path: str, code: Code) -> None:
        super().__init__(name, path)
        self._code = code

    def get_code(self, fullname: str) -> CodeType | None:
        """Its code."""
        path = self.get_filename(fullname)
        text = self._code.texts[path]
        if self._code.first:
            with suppress(OSError):  # it is gone
                if self.get_data(path) == text:
                    return super().get_code(fullname)
        return self.source_to_code(text, path)


class _Finder:
    """Finds the modules below plugins.

    Attributes:
        roots: The code of each plugin, by its full name.
    """

    def __init__(self) -> None:
        self.roots: dict[str, Code] = {}

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, _target: ModuleType | None = None
    ) -> ModuleSpec | None:
        """Find one, as ``sys.meta_path`` wants it."""
        code = next((code for root, code in self.roots.items() if fullname.startswith(f"{root}.")), None)
        if path is None or code is None:
            return None
        found = (self._found(fullname, folder, code) for folder in path)
        return next(filter(None, found), None)

    @staticmethod
    def _found(fullname: str, folder: str, code: Code) -> ModuleSpec | None:
        below = os.path.join(folder, fullname.rpartition(".")[2])  # noqa: PTH118 - as Python's own finders name files
        package, module = os.path.join(below, "__init__.py"), f"{below}.py"  # noqa: PTH118 - as above
        if package in code.texts:
            loader = Loader(fullname, package, code)
            return spec_from_file_location(fullname, package, loader=loader, submodule_search_locations=[below])
        if module in code.texts:
            return spec_from_file_location(fullname, module, loader=Loader(fullname, module, code))
        return FileFinder(folder, (ExtensionFileLoader, EXTENSION_SUFFIXES)).find_spec(fullname)


_finder = _Finder()


def module_for(
    package: str, name: str, path: Path, texts: Mapping[str, bytes], generation: int
) -> tuple[Loader, ModuleType]:
    """Make the module of a plugin, and those that lead to it; its code has not run yet. Returns also what runs it.

    Args:
        package: In which plugins stand.
        name: The plugin's name.
        path: The file to run.
        texts: What stands in each of the plugin's files.
        generation: 0 for the first.
    """
    steps = [package]
    if generation:
        _drop_compiled(texts)
        steps.append(f"{package}._{generation}")  # no plugin can be called so
    for step in steps:
        if step not in sys.modules:
            sys.modules[step] = ModuleType(step)
            sys.modules[step].__path__ = []  # folders in a plugin's folder are imported by way of it
    full_name = f"{steps[-1]}.{name}"
    path = path.absolute()  # as Python names it: code is known by its file
    code = Code({os.path.abspath(file): text for file, text in texts.items()}, first=not generation)  # noqa: PTH100 - as above
    loader = Loader(full_name, str(path), code)
    spec = spec_from_file_location(
        full_name,
        path,
        loader=loader,
        submodule_search_locations=[str(path.parent)] if path.name == "__init__.py" else None,
    )
    assert spec is not None  # noqa: S101 - there is a loader
    module = module_from_spec(spec)
    _finder.roots[full_name] = code
    if _finder not in sys.meta_path:
        sys.meta_path.insert(0, _finder)
    sys.modules[full_name] = module
    return loader, module


def _drop_compiled(paths: Iterable[str]) -> None:
    """Remove compiled forms that may be older than the text, for whoever loads it after us."""
    for path in paths:
        with suppress(OSError):  # it may be another user's
            Path(cache_from_source(path)).unlink(missing_ok=True)


def forget(full_name: str) -> None:
    """Take a plugin's modules out of ``sys.modules``, and the package of its generation."""
    package = full_name.rpartition(".")[0]
    forget_all(package if package.rpartition(".")[2].startswith("_") else full_name)


def forget_all(package: str) -> None:
    """Take a package and all below it out of ``sys.modules``."""
    for root in [root for root in list(_finder.roots) if f"{root}.".startswith(f"{package}.")]:
        _finder.roots.pop(root, None)
    for name in [name for name in list(sys.modules) if f"{name}.".startswith(f"{package}.")]:
        sys.modules.pop(name, None)


def forget_generation(generation: int) -> None:
    """Take out what has been loaded of a generation, though its import has not come to an end."""
    for root in [root for root in list(_finder.roots) if f"._{generation}." in root]:
        forget(root)
