"""The WebSocket between a telephone and the exchange: JSON objects and frames of voice, in their order."""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING

import aiohttp
import msgspec

from ctportd.errors import PhoneError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_HELLO_SECONDS = 10.0
"""How long to wait for the connection and the exchange's hello (our figure; both take milliseconds)."""

_GOODBYE = aiohttp.ClientWSTimeout(ws_close=2.0)
"""How long to wait for the exchange to say goodbye in its turn (our figure): one that hangs holds nobody up."""

HOW_TO_START = "Is the daemon running? Start it with `ctportd`, in a source tree with `make run`."
"""What to do where there is no exchange."""


class Signal(msgspec.Struct, frozen=True):
    """One thing that the exchange says (docs/exchange.md): ``type``, and those of the fields that belong to it."""

    type: str
    speed: float = 1.0
    version: str | int = ""
    count: int = 0
    prompt: str = ""
    file: str = ""
    complete: bool = True
    reason: str = ""
    message: str = ""
    number: str = ""
    name: str = ""


class Link:
    """One connection to the exchange.

    Attributes:
        url: Where it leads.
        hello: What the exchange said first.
    """

    def __init__(self, url: str, session: aiohttp.ClientSession, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.url = url
        self.hello = Signal("hello")
        self._session = session
        self._socket = socket

    @classmethod
    async def connect(cls, url: str) -> Link:
        """Connect, and hear the exchange's hello.

        Raises:
            PhoneError: Nothing listens there, or it is no exchange.
        """
        session = aiohttp.ClientSession()
        try:
            async with asyncio.timeout(_HELLO_SECONDS):
                link = cls(url, session, await session.ws_connect(url, timeout=_GOODBYE))
                link.hello = await link.first()
        except (aiohttp.ClientError, OSError, ValueError) as problem:  # TimeoutError is an OSError
            await session.close()
            raise PhoneError(
                f"there is no telephone exchange at {url} ({_cause(problem)}). {HOW_TO_START}"
            ) from problem
        except BaseException:
            await session.close()
            raise
        return link

    async def first(self) -> Signal:
        """The exchange's hello."""
        message = await self._socket.receive()
        signal = _signal(message.data) if message.type is aiohttp.WSMsgType.TEXT else None
        if signal is None or signal.type != "hello":
            raise PhoneError(f"what answers at {self.url} is no exchange of ctportd: it does not say hello.")
        return signal

    async def received(self) -> AsyncIterator[Signal | bytes]:
        """All that the exchange says, signals and frames of voice, until the connection ends.

        Raises:
            PhoneError: It said something that is neither.
        """
        async for message in self._socket:
            if message.type is aiohttp.WSMsgType.BINARY:
                yield message.data
            elif message.type is aiohttp.WSMsgType.TEXT:
                yield _signal(message.data)
            else:
                raise PhoneError(f"the connection to the exchange broke: {self._socket.exception()}")

    async def tell(self, kind: str, **fields: str | int) -> None:
        """Tell the exchange something; a telephone whose connection has gone tells it to nobody."""
        said = {name: _sayable(value) for name, value in fields.items()}
        # that it has gone is noticed where it is read from, behind what the exchange still said before
        with contextlib.suppress(ConnectionError):
            await self._socket.send_str(msgspec.json.encode({"type": kind, **said}).decode())

    async def speak(self, frame: bytes) -> None:
        """Send one frame of voice."""
        with contextlib.suppress(ConnectionError):  # as in tell
            await self._socket.send_bytes(frame)

    async def close(self) -> None:
        """Close the connection."""
        await self._socket.close()
        await self._session.close()


def _signal(text: str) -> Signal:
    try:
        return msgspec.json.decode(text, type=Signal)
    except msgspec.MsgspecError as problem:
        raise PhoneError(
            f"the exchange said what a telephone does not understand ({problem}): {text[:80]}"
        ) from problem


def _sayable(value: str | int) -> str | int:
    """What JSON can carry: bytes of the command line that are no letters become question marks."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else value


def _cause(problem: Exception) -> str:
    """The reason in words, without the address, which stands beside it."""
    if isinstance(problem, TimeoutError):
        return "it does not answer"
    cause = problem.os_error if isinstance(problem, aiohttp.ClientConnectorError) else problem
    number = getattr(cause, "errno", None)  # asyncio puts words of its own in place of the system's
    return os.strerror(number) if number else str(cause)
