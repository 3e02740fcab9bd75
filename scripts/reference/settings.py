"""The keys of the configuration: their types and defaults from the code, their meanings from etc/ctportd.toml."""

from __future__ import annotations

import re
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from ctportd.config import MAIL_ADDRESS, ConfigFile
from ctportd.hooks.loader import load_plugins
from scripts.reference.prose import Told, cell, markdown, page, table

ROOT = Path(__file__).parents[2]

_HEAD = re.compile(r"^(?:# )?\[\[?([\w.]+)\]?\]$")
_KEY = re.compile(r"^(?:# )?\"?([\w*-]+)\"? = ")

Struct = type[msgspec.Struct]


class Meanings:
    """What etc/ctportd.toml says of each key.

    Attributes:
        told: The comment before each key, by the table's path and the key; of several keys under one comment, the first
            has it.
        shared: The first key of those under one comment.
    """

    def __init__(self) -> None:
        self.told: dict[tuple[str, str], str] = {}
        self.shared: dict[tuple[str, str], str] = {}
        self._comment: list[str] = []
        self._path = self._first = ""

    def read(self, text: str, keys_of: dict[str, set[str]]) -> Meanings:
        """Read the file; ``keys_of`` are the keys that each table may have."""
        for line in text.splitlines():
            head, key = _HEAD.match(line), _KEY.match(line)
            if head:
                self._path = general(head[1])
                self._told("")
            elif key and key[1] in keys_of.get(self._path, set()):
                self._told(key[1])
            elif line.startswith("#"):
                self._comment.append(line[1:].strip())
                self._first = ""
            else:
                self._comment, self._first = [], ""
        return self

    def _told(self, key: str) -> None:
        if self._comment:
            self.told[self._path, key] = " ".join(self._comment)
            self._first = key
            self._comment = []
        elif self._first and key:
            self.shared[self._path, key] = self._first


def general(path: str) -> str:
    """The path of a table, with NAME for what its owner calls it."""
    return re.sub(r"\.(mailboxes|sets|menus|hours)\.[^.]+$", r".\1.NAME", path)


def core() -> dict[str, Struct]:
    """The tables of the daemon."""
    return {field.name: next(iter(_structs(field.type))) for field in msgspec.structs.fields(ConfigFile)}


def of_plugins() -> dict[str, Struct]:
    """The tables of the plugins that come with ctportd, those within them among them."""
    loaded = load_plugins(ROOT / "plugins", {}, "etc/ctportd.toml").loaded
    found: dict[str, Struct] = {}
    for name, plugin in sorted(loaded.items()):
        if hasattr(plugin.module, "Settings"):
            _collect(f"plugins.{name}", plugin.module.Settings, found)
    return found


def _collect(path: str, struct: Struct, found: dict[str, Struct]) -> None:
    found[path] = struct
    for field in msgspec.structs.fields(struct):
        named = ".NAME" if get_origin(_bare(field.type)) is dict else ""
        for inner in _structs(field.type):
            if inner not in found.values():
                _collect(f"{path}.{field.encode_name}{named}", inner, found)


def _bare(kind: Any) -> Any:
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def _structs(kind: Any) -> list[Struct]:
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [struct for part in get_args(kind) for struct in _structs(part)]


def limits(kind: Any) -> str:
    """A type, and what it may be, in words."""
    if get_origin(kind) is Annotated:
        inner, *metas = get_args(kind)
        return ", ".join([limits(inner), *filter(None, map(_bounds, metas))])
    if get_origin(kind) is Literal:
        return "one of " + ", ".join(f"`{msgspec.json.encode(each).decode()}`" for each in get_args(kind))
    if get_origin(kind) in {Union, UnionType}:
        return " or ".join(limits(part) for part in get_args(kind) if part is not NoneType)
    if get_origin(kind) in {list, tuple, frozenset, set}:
        return f"list of {limits(get_args(kind)[0])}"
    if get_origin(kind) is dict:
        return f"table of {limits(get_args(kind)[1])}"
    names = {str: "text", int: "whole number", float: "number", bool: "`true` or `false`"}
    return names.get(kind, "table" if _structs(kind) else str(getattr(kind, "__name__", kind)))


def _bounds(meta: Any) -> str:
    signs = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
    told = [
        f"{sign} {getattr(meta, name):g}" for name, sign in signs.items() if getattr(meta, name, None) is not None
    ]
    if getattr(meta, "pattern", None) == MAIL_ADDRESS:
        told.append("a mail address")
    elif getattr(meta, "pattern", None):
        told.append(f"as `{meta.pattern}`".replace("\\Z", "$"))
    return " and ".join(told)


def default(field: Any) -> str:
    """The default of a key, as it would be written; empty where there is none to write."""
    value = field.default
    if value is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
        value = field.default_factory()
    if value is msgspec.NODEFAULT:
        return "*must be given*"
    if value is None or isinstance(value, msgspec.Struct | dict) or (isinstance(value, list) and value):
        return ""
    return f"`{msgspec.json.encode(value).decode()}`"


def tables() -> dict[str, Struct]:
    """Every table."""
    return core() | of_plugins()


def meanings() -> Meanings:
    """What the file that ships says."""
    keys = {path: {field.encode_name for field in msgspec.structs.fields(kind)} for path, kind in tables().items()}
    return Meanings().read((ROOT / "etc/ctportd.toml").read_text(), keys)


def meaning(known: Meanings, path: str, struct: Struct, field: Any) -> str:
    """What a key means; empty where nobody says so."""
    key = field.encode_name
    if (path, key) in known.told:
        return cell(known.told[path, key])
    if (path, key) in known.shared:
        return f"with `{known.shared[path, key]}`"
    parent = path.partition(".mailboxes")[0]
    if parent != path and ((parent, key) in known.told or (parent, key) in known.shared):
        return f"as in `[{parent}]`, for this mailbox"
    inherited = [Told(each).attributes.get(field.name, "") for each in struct.__mro__]
    return cell(next(filter(None, inherited), ""))


def configuration_page() -> str:
    """docs/reference/configuration.md."""
    about = (
        "For whoever sets ctportd up: every table and every key of the configuration. "
        "[etc/ctportd.toml](../../etc/ctportd.toml) is a file with all of them. A key that is left out has "
        "its default; an unknown one is a mistake, which `ctportd check` tells. *with `key`* means that the "
        "sentence at that key is about both."
    )
    known, parts = meanings(), []
    for path, struct in tables().items():
        rows = [
            [f"`{field.encode_name}`", limits(field.type).replace("|", "\\|"), default(field).replace("|", "\\|"),
             meaning(known, path, struct, field)]
            for field in msgspec.structs.fields(struct)
        ]  # fmt: skip
        double = path in {"ctserver", "port"}
        parts.append(f"## `{'[' * (1 + double)}{path}{']' * (1 + double)}`")
        if (path, "") in known.told:
            parts.append(markdown(known.told[path, ""]))
        parts.append(table(["key", "type", "default", "meaning"], rows))
    return page("Every key of the configuration", about, parts)
