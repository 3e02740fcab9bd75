"""What telephones and the exchange say to each other (docs/exchange.md), as types, and as WebSocket frames."""

from __future__ import annotations

import struct
from typing import Literal

import msgspec

from ctportd.ctserver.g711 import FRAME

Key = Literal["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "*", "#", "A", "B", "C", "D"]


class Call(msgspec.Struct, frozen=True, tag="call"):
    """Ring a trunk port, with this caller ID."""

    port: int
    number: str = ""
    name: str = ""


class Attach(msgspec.Struct, frozen=True, tag="attach"):
    """Be the set of a station port."""

    port: int


class Subscribe(msgspec.Struct, frozen=True, tag="subscribe"):
    """Be a telephone of the exchange, with a number that trunk ports can dial."""

    number: str


class OffHook(msgspec.Struct, frozen=True, tag="offhook"):
    """The set is lifted."""


class Press(msgspec.Struct, frozen=True, tag="press"):
    """A key."""

    key: Key


class HookFlash(msgspec.Struct, frozen=True, tag="flash"):
    """A hook flash."""


class HangUp(msgspec.Struct, frozen=True, tag="hangup"):
    """Go on hook."""


Said = Call | Attach | Subscribe | OffHook | Press | HookFlash | HangUp
"""What a telephone says."""

_said: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)
_json = msgspec.json.Encoder()


def read(text: str) -> Said:
    """A text frame of a telephone.

    Raises:
        ValueError: It is none that the contract knows; the message says why. (msgspec's errors are such.)
    """
    try:
        return _said.decode(text)
    except RecursionError:  # a stranger's fault: nothing of ours is told by a traceback
        raise ValueError("the message is nested too deeply") from None


# Frames are built here and written to the transport at once, not through aiohttp: the server sends one to each
# line every 20 ms, they are never masked, cut or compressed, and nothing must overtake anything (RFC 6455, 5.2).
_VOICE_HEADER = struct.pack("!BBH", 0x82, 126, FRAME)


def voice_frame(frame: bytes) -> bytes:
    """160 bytes of voice as a binary WebSocket frame of a server."""
    return _VOICE_HEADER + frame


def text_frame(kind: str, fields: dict[str, str | float | bool]) -> bytes:
    """A signal as a text WebSocket frame of a server; what is no Unicode in it becomes ``?``."""
    sayable = {
        name: value.encode("utf-8", "replace").decode() if isinstance(value, str) else value
        for name, value in fields.items()
    }
    payload = _json.encode({"type": kind, **sayable})
    if len(payload) <= 125:
        return struct.pack("!BB", 0x81, len(payload)) + payload
    if len(payload) <= 65_535:
        return struct.pack("!BBH", 0x81, 126, len(payload)) + payload
    return struct.pack("!BBQ", 0x81, 127, len(payload)) + payload
