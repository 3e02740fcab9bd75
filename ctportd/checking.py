"""Data of a TOML file against a type; a mistake told as one sentence about the file.

msgspec checks, and is quick. Where it refuses, the place is looked for part by part: its own messages do not
name the keys of a dictionary, and speak of types where an operator thinks of tables.
"""

from __future__ import annotations

import types
from datetime import date, time
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import inspect

from ctportd.errors import ConfigError
from ctportd.nearest import no_such

_T = TypeVar("_T")
_Path = tuple[str | int, ...]

_LONG = 10**60  # longer than what is shown of a value


def convert(data: Any, into: type[_T], source: str, table: str = "") -> _T:
    """Check data that was read from a file.

    Args:
        data: What the file says.
        into: A ``msgspec.Struct``.
        source: The file's name, for the sentence.
        table: Where the data stand in the file, such as ``plugins.voicemail``; empty for the whole file.

    Raises:
        ConfigError: One sentence with file, table, key, what was found and what was expected.
    """
    path = (table,) if table else ()
    try:
        converted = msgspec.convert(data, into)
    except msgspec.ValidationError as error:
        problem = _find(data, into, path) or f"{_table(path)}: {error}"
        raise ConfigError(f"{source}: {problem}") from error
    unknown = _find(data, into, path)  # a key that is unknown is a mistake whether or not the structure forbids it
    if unknown:
        raise ConfigError(f"{source}: {unknown}")
    return converted


def _find(data: Any, kind: Any, path: _Path) -> str | None:
    """The first mistake at or below a path, as a sentence; None where there is none."""
    kind = _option_for(data, _without_none(kind))
    origin, arguments = get_origin(kind), get_args(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct) and isinstance(data, dict):
        return _find_in_table(data, kind, path)
    if origin is Annotated and isinstance(data, list | dict):
        return _find(data, arguments[0], path) or _find_here(data, kind, path)
    if (origin is list or (origin is tuple and arguments[1:] == (...,))) and isinstance(data, list):
        return _first(_find(item, arguments[0], (*path, index)) for index, item in enumerate(data))
    if origin is dict and isinstance(data, dict):
        return _first(_find(item, arguments[1], (*path, key)) for key, item in data.items())
    return _find_here(data, kind, path)


def _find_here(data: Any, kind: Any, path: _Path) -> str | None:
    try:
        msgspec.convert(data, kind)
    except msgspec.ValidationError:
        return f"{_place(path)}: found {_shown(data)}, expected {_expected(inspect.type_info(kind))}"
    return None


def _find_in_table(data: dict[str, Any], struct: type[msgspec.Struct], path: _Path) -> str | None:
    fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}
    for key, value in data.items():
        if key == struct.__struct_config__.tag_field:
            continue
        if key not in fields:
            return f"{_table(path)}: {no_such('key', key, fields)}"
        problem = _find(value, fields[key].type, (*path, key))
        if problem:
            return problem
    for name, field in fields.items():
        if field.required and name not in data:
            return f"{_table(path)}: the key {name!r} is missing"
    try:
        msgspec.convert(data, struct)
    except msgspec.ValidationError as error:  # raised by the structure's own __post_init__
        return f"{_table(path)}: {str(error).partition(' - at ')[0]}"
    return None


def _first(problems: Any) -> str | None:
    return next((problem for problem in problems if problem), None)


def _without_none(kind: Any) -> Any:
    """``X | None`` as X: TOML knows no null, so nobody is told of it."""
    if get_origin(kind) in (Union, types.UnionType):
        rest = [option for option in get_args(kind) if option is not type(None)]
        if len(rest) == 1:
            return rest[0]
    return kind


def _option_for(data: Any, kind: Any) -> Any:
    """Of text or a table, the table where one was found: the mistake is in it."""
    if get_origin(kind) in (Union, types.UnionType) and isinstance(data, dict):
        tables = [
            option for option in get_args(kind) if isinstance(option, type) and issubclass(option, msgspec.Struct)
        ]
        if len(tables) == 1:
            return tables[0]
    return kind


def _place(path: _Path) -> str:
    """A key as the file writes it: ``[log] level``, ``[[port]] table 2: number``."""
    *parents, key = path
    if isinstance(key, int):
        return f"{_place(tuple(parents))}, item {key + 1}"
    return f"{_table(tuple(parents))} {key}" if parents else key


def _table(path: _Path) -> str:
    """A table as the file writes it: ``[plugins.voicemail]``, ``[[port]] table 2``."""
    name = ".".join(part for part in path if isinstance(part, str))
    if not name:
        return "the top level"
    number = next((part for part in reversed(path) if isinstance(part, int)), None)
    return f"[{name}]" if number is None else f"[[{name}]] (table {number + 1})"


def _shown(data: Any) -> str:
    """A value as TOML would write it, cut short."""
    if isinstance(data, dict):
        return "a table"
    if isinstance(data, list):
        text = f"[{', '.join(map(_shown, data))}]"
    elif isinstance(data, bool):
        text = str(data).lower()
    elif isinstance(data, int):
        text = str(data) if abs(data) < _LONG else hex(data)  # Python refuses to write out thousands of digits
    else:
        text = data.isoformat() if isinstance(data, date | time) else repr(data)
    return text if len(text) <= 60 else text[:57] + "..."


def _expected(kind: inspect.Type) -> str:
    """A type in an operator's words."""
    match kind:
        case inspect.LiteralType(values=values):
            return "one of " + ", ".join(repr(value) for value in values)
        case inspect.UnionType(types=options):
            return " or ".join(_expected(option) for option in options)
        case inspect.StrType(pattern=pattern) if pattern:
            return f"text like {pattern}"
        case inspect.ListType(item_type=inspect.StructType()):
            return "a list of tables, each with its name in [[double brackets]]"
        case inspect.IntType() | inspect.FloatType():
            return _WORDS[type(kind)] + _limits(kind)
    return _WORDS.get(type(kind), type(kind).__name__.removesuffix("Type").lower())


_WORDS: dict[type[inspect.Type], str] = {
    inspect.BoolType: "true or false",
    inspect.DictType: "a table",
    inspect.FloatType: "a number",
    inspect.IntType: "a whole number",
    inspect.ListType: "a list",
    inspect.StrType: "text",
    inspect.StructType: "a table",
    inspect.VarTupleType: "a list",
}


def _limits(kind: inspect.IntType | inspect.FloatType) -> str:
    limits = [
        f"{word} {limit:g}"
        for word, limit in (
            ("of at least", kind.ge),
            ("above", kind.gt),
            ("of at most", kind.le),
            ("below", kind.lt),
        )
        if limit is not None
    ]
    return " " + " and ".join(limits) if limits else ""
