"""One connection of a client: its requests in order, each with its reply, and the events of its port."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from typing import TYPE_CHECKING

from ctportd.ctserver.asked import Asked, Refused
from ctportd.ctserver.call_requests import CALL_REQUESTS
from ctportd.ctserver.dialects import Answer, FirstLine, WebPage
from ctportd.ctserver.port import HANGUP
from ctportd.ctserver.server_requests import SERVER_REQUESTS
from ctportd.ctserver.sound_requests import SOUND_REQUESTS
from ctportd.ctserver.station_requests import STATION_REQUESTS
from ctportd.ctserver.wait import Interrupted
from ctportd.wire.message import MANAGER_HANDLE, BrokenLine, port_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.ctserver.asked import Served
    from ctportd.ctserver.dialects import Dialect
    from ctportd.ctserver.line import Signal
    from ctportd.ctserver.port import Port
    from ctportd.ctserver.services import Services
    from ctportd.wire.message import Request

_READ = 16 * 1024  # bytes that are read at once: a few thousand requests at the very most
_QUEUED = 256  # requests that may wait for one that blocks; a client that sends more ahead is dropped
_QUEUED_BYTES = 256 * 1024  # and bytes, since a request may have 64 KiB
_UNREAD = 1024 * 1024  # bytes that may wait for a client that does not read; then it is dropped
_SHOWN = 80  # characters of a line, and of each argument, that the log shows
_SHOWN_PROBLEM = 1000  # and of what is wrong: a path, with what the system says of it

PORT_REQUESTS: dict[str, Served] = CALL_REQUESTS | SOUND_REQUESTS | STATION_REQUESTS
"""Every request that a port serves."""


def _nobody() -> None:
    """Nobody wants to know whether a client's request makes sense."""


class _TooFarAhead(Exception):  # noqa: N818  named after what happened, as in ctportd.errors
    """More waits behind a request that blocks than a client has any reason to send."""


class Client:
    """A client's connection to a port, or to the manager.

    It is read all the time, so that one that leaves is noticed whatever it has asked for.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        port: Port | None,
        services: Services,
        on_request: Callable[[], None] = _nobody,
    ) -> None:
        """``port``: whose connection it is; None: the manager's. ``on_request`` is called when it makes sense."""
        self._reader = reader
        self._writer = writer
        self._port = port
        self._services = services
        self._handle = MANAGER_HANDLE if port is None else port.handle
        self._log = services.log.bind(client=self._handle)
        self._dialect: Dialect = FirstLine()
        self._on_request = on_request
        self._queue: deque[Request | BrokenLine] = deque()
        self._queued_bytes = 0
        self._moved = asyncio.Event()  # something was put into the queue, was taken out of it, or blocks it
        self._blocked = False
        self._left = False

    def busy(self) -> bool:
        """Whether a request of its blocks, or waits to be begun."""
        return self._blocked or bool(self._queue)

    async def run(self) -> None:
        """Serve it until it leaves, or the server stops.

        What runs for it when it leaves ends; what blocks is not begun any more. A client that has closed its side only
        still gets the replies to what does not block.
        """
        serving = asyncio.create_task(self._serve())
        try:
            await self._read()
            self._left = True
            self._moved.set()
            if self._blocked or self._writer.transport.is_closing():  # nobody waits for a reply any more
                serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
            self._writer.close()

    async def _read(self) -> None:
        try:
            while data := await self._reader.read(_READ):
                for request in self._dialect.feed(data):
                    await self._room_in_queue()
                    self._put(request)
        except OSError:
            self._writer.transport.abort()  # it is lost: no reply would arrive
        except WebPage:
            self._log.warning("a web page speaks to this port, or what is no client, and is dropped")
            self._writer.transport.abort()
        except _TooFarAhead:
            self._log.warning("client sends too far ahead, and is dropped", requests=len(self._queue))
            self._writer.transport.abort()

    async def _room_in_queue(self) -> None:
        """Wait for a place in the queue. Requests that do not block give one soon.

        Raises:
            _TooFarAhead: The one that runs blocks: there may never be one.
        """
        while len(self._queue) >= _QUEUED or self._queued_bytes >= _QUEUED_BYTES:
            if self._blocked:
                raise _TooFarAhead
            self._moved.clear()
            await self._moved.wait()

    def _put(self, request: Request | BrokenLine) -> None:
        if isinstance(request, BrokenLine):
            request = BrokenLine(request.reason, request.raw[:_SHOWN])
        elif request.cmd in SERVER_REQUESTS or request.cmd in PORT_REQUESTS:
            self._on_request()
        self._queue.append(request)
        self._queued_bytes += _size(request)
        self._moved.set()

    async def _take(self) -> Request | BrokenLine | None:
        """The next request; None: it has left, and there is none."""
        while not self._queue:
            if self._left:
                return None
            self._moved.clear()
            await self._moved.wait()
        request = self._queue.popleft()
        self._queued_bytes -= _size(request)
        self._moved.set()
        return request

    async def _serve(self) -> None:
        while (request := await self._take()) is not None:
            if isinstance(request, BrokenLine):
                self._services.broken_lines += 1
                self._log.warning("no request", problem=request.reason, line=request.raw)
            else:
                await self._answer(request)
            await asyncio.sleep(0)  # however many there are, lines and other clients get their turns between

    async def _answer(self, request: Request) -> None:
        asked: Asked | None = None
        try:
            server_handler = SERVER_REQUESTS.get(request.cmd)
            if server_handler is not None:
                for more in await server_handler(self._services, request):
                    self._reply(request, MANAGER_HANDLE, ("OK", *more))
                return
            asked = self._asked(request)
            args = await self._served(asked, PORT_REQUESTS[request.cmd])
            self._reply(request, asked.port.handle, args, asked.ending_key)
        except Refused as refused:
            self._log.warning("refused", **_shown(request), problem=str(refused)[:_SHOWN_PROBLEM])
            self._reply(request, self._speaker(asked), ("ERROR", refused.reason))
        except Exception as error:  # noqa: BLE001  a fault in one request is that request's alone
            self._log.error("fault", **_shown(request), exc_info=error)
            self._reply(request, self._speaker(asked), ("ERROR", "internal-error"))
        if asked is not None:
            self._follow_up(asked)

    def _follow_up(self, asked: Asked) -> None:
        for signal in asked.late:
            self.tell(asked.port, signal)
        for signal in asked.afterwards:
            asked.port.send(signal)

    def _speaker(self, asked: Asked | None) -> int:
        return self._handle if asked is None else asked.port.handle

    def _asked(self, request: Request) -> Asked:
        if request.cmd not in PORT_REQUESTS:
            raise Refused("unknown-request")
        port = self._addressed(request)
        if port is None:
            raise Refused("no-such-port", request.dst)
        sender = self._handle if request.src is None else request.src
        return Asked(request.cmd, request.args, port, sender, self._services)

    def _addressed(self, request: Request) -> Port | None:
        """The port that a request is for: the connection's own, or, of the manager's and of messages, any."""
        if request.dst is None or request.dst == self._handle:
            return self._port
        if self._port is None or request.cmd == "ctsendevent":
            return self._services.ports.get(port_of(request.dst))
        return None

    async def _served(self, asked: Asked, served: Served) -> tuple[str, ...]:
        """What the reply says."""
        if not served.blocking:
            return ("OK", *await served.handler(asked))
        if self._left:
            raise Refused("client-left")
        self._blocked = True
        self._moved.set()  # who waits for a place in the queue learns that it will take its time
        try:
            async with asked.port.turn:
                return await self._block(asked, served)
        finally:
            self._blocked = False

    async def _block(self, asked: Asked, served: Served) -> tuple[str, ...]:
        port = asked.port
        asked.wait = port.open_wait(self)
        asked.wait.spared = lambda event: self._dialect.cannot_tell(asked.cmd, event)
        try:
            if served.on_call:
                _see_far_end(port)
            if asked.cmd == "ctwaitforevent":
                self._fetch()
            answer = ("OK", *await served.handler(asked))
        except Interrupted as interrupted:
            signal = interrupted.signal
            return ("EVENT", port.digits, signal.name, *signal.words)
        except Refused:
            self._told_late(asked)
            raise
        else:
            self._told_late(asked)
            return answer
        finally:
            port.close_wait()

    def _fetch(self) -> None:
        """An event that waited for its client to fetch it is what ``ctwaitforevent`` waits for."""
        signal = self._dialect.next_event()
        if signal is not None:
            raise Interrupted(signal)

    def _told_late(self, asked: Asked) -> None:
        """An event that was to travel in the reply, which turned out to be about something else."""
        if asked.wait.cut_by is not None:
            asked.late.append(asked.wait.cut_by)

    def _reply(self, request: Request, speaker: int, args: tuple[str, ...], key: str = "") -> None:
        asker = self._handle if request.src is None else request.src
        self._write(self._dialect.reply(Answer(request, speaker, asker, args, key)))

    def tell(self, port: Port, signal: Signal) -> None:
        """An event of the port."""
        self._write(self._dialect.event(port.handle, signal))

    def forget_events(self) -> None:
        """Events that wait to be fetched are not to be told."""
        self._dialect.forget_events()

    def _write(self, data: bytes) -> None:
        transport = self._writer.transport
        if not data or transport.is_closing():
            return
        self._writer.write(data)
        if transport.get_write_buffer_size() > _UNREAD:
            self._log.warning("client does not read, and is dropped")
            transport.abort()


def _size(request: Request | BrokenLine) -> int:
    """Characters that a request holds on to: not the bytes in memory, but in proportion to them."""
    if isinstance(request, BrokenLine):
        return len(request.raw)
    return len(request.cmd) + sum(map(len, request.args))


def _shown(request: Request) -> dict[str, object]:
    """A request as the log shows it: a line of the log is not as long as a client likes."""
    return {"request": request.cmd[:_SHOWN], "args": [arg[:_SHOWN] for arg in request.args]}


def _see_far_end(port: Port) -> None:
    """A request on a call whose far end has hung up ends at once, as if that had happened now."""
    if port.line.far_gone:
        raise Interrupted(HANGUP)
