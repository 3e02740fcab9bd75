"""Hooks, events and errors, from the modules that define them."""

from __future__ import annotations

import inspect
import re
from typing import Any

import msgspec

from ctportd import errors
from ctportd.hooks import specs
from ctportd.wire.events import EVENT_TYPES, Event, UserMessage
from scripts.reference.prose import Told, cell, markdown, page, table


def hooks() -> dict[str, Any]:
    """Every hook, in the order of the module."""
    return {name: value for name, value in vars(specs).items() if hasattr(value, "ctportd_spec")}


def hooks_page() -> str:
    """docs/reference/hooks.md."""
    about = markdown(inspect.cleandoc(specs.__doc__ or "").partition("\n\n")[2])
    rows, parts = [], []
    for name, function in hooks().items():
        told = Told(function)
        kind = "observer" if told.first.startswith("Observer:") else "asked"
        limits = "has the call until it returns" if name == "answer_call" else kind
        arguments = [f"`{each}`" for each in inspect.signature(function).parameters if each not in _EVERYWHERE]
        first = re.sub(r"^Observer: ", "", told.first)
        rows.append([f"[`{name}`](#{name})", ", ".join(arguments), limits, cell(first)])
        parameters = ", ".join(
            f"{key}: {each.annotation}" for key, each in inspect.signature(function).parameters.items()
        )
        result = inspect.signature(function).return_annotation
        parts += [f"## {name}", f"`{name}({parameters}) -> {result}`", *told.lines()]
    summary = table(["hook", "arguments", "kind", "when"], rows)
    more = (
        "For those who write plugins. An *observer* may take `[plugins] hook_timeout` seconds for one event, "
        "and what it returns is nobody's business; a hook that is *asked* is believed by what it returns. "
        "Each has its arguments below with their types; those that every hook may take are told here once. "
        "[plugins.md](../plugins.md) tells how hooks are used, and what becomes of faults."
    )
    return page("Every hook", more, [about, summary, *parts])


_EVERYWHERE = {"settings", "daemon", "site"}


def events_page() -> str:
    """docs/reference/events.md."""
    about = (
        "For those who write plugins: what ctserver tells of a port, as the hook `port_event` and "
        "`call.next_event()` get it. All of them can be imported from `ctportd`, and have these:"
    )
    common = {"port": "", "message": "", "name": ""} | Told(Event).attributes
    common["name"] = "What it is called on the wire."
    common["raw"] = Told(Event.raw).first
    rows = []
    kinds: list[type[Event]] = [*EVENT_TYPES.values(), UserMessage]
    for kind in kinds:
        told = Told(kind)
        own = [field for field in msgspec.structs.fields(kind) if field.name not in common]
        said = [
            f"`{each.name}`" + (f": {cell(told.attributes[each.name])}" if each.name in told.attributes else "")
            for each in own
        ]
        rows.append(
            [
                f"`{kind.__name__}`",
                f"`{kind.name}`" if kind is not UserMessage else "",
                cell(told.first),
                "; ".join(said),
            ]
        )
    parts = [
        table(["attribute", ""], [[f"`{name}`", cell(told)] for name, told in common.items()]),
        table(["type", "on the wire", "what", "beyond that"], rows),
    ]
    return page("Every event of a port", about, parts)


def errors_page() -> str:
    """docs/reference/errors.md."""
    about = (
        "For those who write plugins or read the log: every error that is raised on purpose, in one tree. The"
        " message of each is one sentence: what happened, to what, what to do. Those that plugins need can be"
        " imported from `ctportd`."
    )
    lists = []
    for name in errors.__all__:
        kind = getattr(errors, name)
        parents = [each.__name__ for each in kind.__bases__]
        lists.append([f"`{name}`", ", ".join(f"`{each}`" for each in parents), cell(" ".join(Told(kind).lines()))])
    tail = markdown(inspect.cleandoc(errors.__doc__ or "").rpartition("\n\n")[2])
    return page("Every error", about, [table(["error", "is a", ""], lists), tail])
