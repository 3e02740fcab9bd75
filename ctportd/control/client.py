"""The control interface's client, as the command line uses it."""

from __future__ import annotations

from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import quote

import aiohttp
import msgspec
from yarl import URL

from ctportd.control.problems import error_of
from ctportd.control.sse import END, HEARTBEAT_EVERY, Decoder
from ctportd.errors import ControlError
from ctportd.status import Drained, FollowedCall, HungUp, PlacedCall, PluginStatus, Reloaded, Rotated, Status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
    from pathlib import Path

    from ctportd.control.sse import ServerSent

LONGEST_SILENCE = 3 * HEARTBEAT_EVERY
"""Seconds for which nothing at all may come in a stream of a daemon that lives."""

_T = TypeVar("_T")


class ControlClient:
    """Speaks to the daemon on a socket.

    Every method may raise :class:`~ctportd.errors.ControlError`, or what :data:`~ctportd.control.problems.KINDS` has for
    the daemon's answer.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    async def status(self) -> Status:
        """What the daemon is and does."""
        return self._read(await self._ask("GET", "/v1/status"), Status)

    async def rotate(self) -> Rotated:
        """Have it roll the logs."""
        return self._read(await self._ask("POST", "/v1/rotate"), Rotated)

    async def config(self) -> dict[str, Any]:
        """The configuration that is in force, secrets masked."""
        return self._read(await self._ask("GET", "/v1/config"), dict[str, Any])

    async def reload(self, plugins: list[str]) -> Reloaded:
        """Have it load the configuration anew, and these plugins even if they have not changed.

        Raises:
            ConfigError: The configuration, or a plugin, has a mistake; nothing has changed.
        """
        body = msgspec.json.encode({"plugins": plugins})
        return self._read(await self._ask("POST", "/v1/reload", body), Reloaded)

    async def plugins(self) -> list[PluginStatus]:
        """Every plugin."""
        return self._read(await self._ask("GET", "/v1/plugins"), list[PluginStatus])

    async def stop(self, *, now: bool = False) -> None:
        """Have it begin to stop; ``now``: without waiting for the calls under way."""
        await self._ask("POST", "/v1/stop", msgspec.json.encode({"now": now}))

    async def request(self, port: str, name: str, arguments: list[str]) -> dict[str, Any]:
        """Have it send one request of ctserver; returns the reply."""
        body = msgspec.json.encode({"name": name, "arguments": arguments})
        return self._read(await self._ask("POST", _of_port(port, "requests"), body), dict[str, Any])

    async def call(
        self, port: str, number: str, *, handler: str = "", play: Sequence[str] = (), within: float = 45.0
    ) -> PlacedCall:
        """Have it make a call on a port."""
        body = {"number": number, "handler": handler, "play": list(play), "within": within}
        return self._read(await self._ask("POST", _of_port(port, "calls"), msgspec.json.encode(body)), PlacedCall)

    async def follow_call(self, placed: PlacedCall, seen: int) -> FollowedCall:
        """How far that call has come; waits until it has come further than so many stages, or for some seconds."""
        path = f"{_of_port(placed.port, 'calls')}/{quote(placed.call, safe='')}?seen={seen}"
        return self._read(await self._ask("GET", path), FollowedCall)

    async def hang_up(self, port: str) -> HungUp:
        """Have it end the call on a port; returns when the line is free."""
        return self._read(await self._ask("POST", _of_port(port, "hangup")), HungUp)

    async def drain(self, ports: Sequence[str], *, on: bool = True) -> Drained:
        """Have it take no new calls on these ports, or take them again; none: on all."""
        body = msgspec.json.encode({"ports": list(ports), "on": on})
        return self._read(await self._ask("POST", "/v1/drain", body), Drained)

    async def drained(self) -> Drained:
        """Which ports take no new calls, and what calls are under way on them."""
        return self._read(await self._ask("GET", "/v1/drain"), Drained)

    async def file_message(self, id: int, action: str, folder: str = "") -> str:  # noqa: A002 - what it is called
        """Have it delete, restore, purge or move a message; returns its folder, empty where it is gone."""
        body = msgspec.json.encode({"action": action, "folder": folder})
        return self._read(await self._ask("POST", f"/v1/messages/{id}", body), dict[str, str])["folder"]

    async def follow(
        self, path: str, parameters: Mapping[str, str], since: str = ""
    ) -> AsyncGenerator[ServerSent, None]:
        """The events of a stream, until the daemon ends it.

        Args:
            path: Such as ``/v1/events``.
            parameters: Those of its query.
            since: The id of the last event that was seen; empty: from now on.

        Raises:
            ControlError: Also where the stream breaks off, or nothing at all comes any more.
        """
        decoder = Decoder()
        headers = {"Last-Event-ID": since} if since else {}
        async with self._asking("GET", path, b"", parameters, headers) as response:
            async for data in response.content.iter_any():
                for sent in decoder.feed(data):
                    if sent.event == END:
                        return
                    yield sent
        raise ControlError(f"the ctportd on {self._path} is gone without a word")

    def _read(self, answer: bytes, kind: type[_T]) -> _T:
        try:
            return msgspec.json.decode(answer, type=kind)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            problem = f"what answers on {self._path} is no ctportd, or one of another version: {error}"
            raise ControlError(problem) from error

    async def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        async with self._asking(method, path, body) as response:
            return await response.read()

    @asynccontextmanager
    async def _asking(
        self,
        method: str,
        path: str,
        body: bytes,
        parameters: Mapping[str, str] = MappingProxyType({}),
        headers: Mapping[str, str] | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Ask, and have the answer, which is none that tells of a problem.

        ``headers`` mark a stream, in which something comes all the time; any other answer may take as long as its line.
        """
        connector = aiohttp.UnixConnector(str(self._path))
        timeout = aiohttp.ClientTimeout(total=None, sock_read=None if headers is None else LONGEST_SILENCE)
        url = URL(f"http://ctportd{path}", encoded=True)
        if parameters:
            url = url.with_query(parameters)
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.request(method, url, data=body, headers=headers) as response,
            ):
                if response.status >= 400:
                    unknown = ControlError(f"{method} {path}: {response.reason}")
                    raise error_of(await response.read()) or unknown
                yield response
        except TimeoutError as error:
            raise ControlError(f"the ctportd on {self._path} says nothing any more") from error
        except (aiohttp.ClientError, OSError) as error:
            raise ControlError(f"no ctportd answers on {self._path}; is it running?") from error


def _of_port(port: str, what: str) -> str:
    return f"/v1/ports/{quote(port, safe='')}/{what}"
