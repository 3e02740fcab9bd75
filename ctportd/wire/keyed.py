"""The keyed dialect: ``cmd=ctanswer src=1 dst=1 argc=0`` and ``rly=ctanswer src=1 dst=1 arg1=OK argc=1``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Generic, TypeVar

from ctportd.errors import InvalidArgument
from ctportd.wire.lines import MAX_LINE, LineReader
from ctportd.wire.message import MAX_ARGUMENTS, BrokenLine, Message, Request, integer

if TYPE_CHECKING:
    from collections.abc import Callable

_UNSENDABLE = re.compile("[ \n\r\0]")
"""There is no quoting: what separates tokens and lines cannot stand in a value."""

_ARGUMENT_INDEX = {f"arg{n}": n - 1 for n in range(1, MAX_ARGUMENTS + 1)}

_KNOWN = frozenset({"rly", "cmd", "src", "dst", "argc", *_ARGUMENT_INDEX})

_UNKNOWN_KEPT = 16
"""Keys of a line that the protocol does not know; a line has room for thousands, each of which would cost an entry."""

_T = TypeVar("_T", Request, Message)


def encode_request(request: Request) -> bytes:
    r"""One request as it is sent, ending in ``" \n"``: ctserver's parser wants the space before the LF.

    Raises:
        InvalidArgument: A value holds a space, LF, CR or NUL, or there are more than nine arguments.
    """
    return _encode("cmd", request.cmd, request.src, request.dst, request.args) + b" \n"


def encode_message(message: Message) -> bytes:
    r"""One message as ctserver sends it, ending in ``"\n\0"``: the NUL of the C string goes out too.

    Raises:
        InvalidArgument: As for :func:`encode_request`.
    """
    return _encode("rly", message.rly, message.src, message.dst, message.args) + b"\n\0"


def _encode(key: str, name: str, src: int | None, dst: int | None, args: tuple[str, ...]) -> bytes:
    if len(args) > MAX_ARGUMENTS:
        raise InvalidArgument(name, f"arg{len(args)}", f"is one too many: there are {MAX_ARGUMENTS} at most")
    tokens = [f"{key}={name}"]
    if src is not None:
        tokens.append(f"src={src}")
    if dst is not None:
        tokens.append(f"dst={dst}")
    tokens.extend(f"arg{n}={value}" for n, value in enumerate(args, 1))
    tokens.append(f"argc={len(args)}")
    for token in tokens:
        if _UNSENDABLE.search(token):
            check_sendable(name, token.partition("=")[0], token.partition("=")[2])
    return " ".join(tokens).encode("utf-8", "surrogateescape")


def check_sendable(request: str, argument: str, value: str) -> str:
    """Return the value, if a line of the keyed dialect can carry it.

    Raises:
        InvalidArgument: It holds a space, LF, CR or NUL; the message names the argument.
    """
    found = _UNSENDABLE.search(value)
    if found:
        what = {" ": "a space", "\n": "a line feed", "\r": "a carriage return", "\0": "a NUL"}[found[0]]
        raise InvalidArgument(
            request, argument, f"holds {what}, which ctserver's protocol cannot carry: {value!r}"
        )
    return value


def parse_message(line: str) -> Message | BrokenLine:
    """A line from ctserver as a message. Never raises."""
    fields = _fields(line, "rly")
    if isinstance(fields, BrokenLine):
        return fields
    name, src, dst, args, extra = fields
    return Message(name, src, dst, args, extra, line)


def parse_request(line: str) -> Request | BrokenLine:
    """A line from a client as a request. Never raises."""
    if "\r" in line:  # a reply echoes what was asked, and could not carry it
        return BrokenLine("a line with a carriage return in it", line)
    fields = _fields(line, "cmd")
    if isinstance(fields, BrokenLine):
        return fields
    name, src, dst, args, _ = fields
    return Request(name, src, dst, args)


_Fields = tuple[str, int | None, int | None, tuple[str, ...], dict[str, str]]


def _fields(line: str, name_key: str) -> _Fields | BrokenLine:
    """Split a line into name, src, dst, arguments and the keys that are left.

    ``argc`` is never trusted, and the order of keys means nothing. Unknown keys beyond the sixteenth are left out.
    """
    fields: dict[str, str] = {}
    unknown = 0
    for token in line.split(" "):
        if not token:
            continue
        key, _, value = token.partition("=")
        if key not in _KNOWN and key not in fields:
            if unknown == _UNKNOWN_KEPT:
                continue
            unknown += 1
        fields[key] = value
    name = fields.pop(name_key, "")
    if not name:
        return BrokenLine(f"a line without {name_key}=", line)
    fields.pop("argc", None)
    src = _pop_handle(fields, "src")
    dst = _pop_handle(fields, "dst")
    return name, src, dst, _pop_arguments(fields), fields


def _pop_handle(fields: dict[str, str], key: str) -> int | None:
    number = integer(fields.get(key, ""))
    if number is not None:  # what is no number stays among the extra keys, as it came
        del fields[key]
    return number


def _pop_arguments(fields: dict[str, str]) -> tuple[str, ...]:
    args: list[str] = []
    for key in [key for key in fields if key in _ARGUMENT_INDEX]:
        index = _ARGUMENT_INDEX[key]
        args.extend([""] * (index + 1 - len(args)))
        args[index] = fields.pop(key)
    return tuple(args)


class Decoder(Generic[_T]):
    """Bytes to parsed lines; what cannot be parsed comes out as :class:`BrokenLine`, never as an exception.

    A client reads messages with ``Decoder(parse_message)``, a server requests with ``Decoder(parse_request)``.
    """

    def __init__(self, parse: Callable[[str], _T | BrokenLine], limit: int = MAX_LINE) -> None:
        self._parse: Callable[[str], _T | BrokenLine] = parse
        self._lines = LineReader(limit)

    def feed(self, data: bytes) -> list[_T | BrokenLine]:
        """Take what arrived; return what it completed, in order. An empty line is nothing."""
        return [
            line if isinstance(line, BrokenLine) else self._parse(line)
            for line in self._lines.feed(data)
            if line != ""
        ]
