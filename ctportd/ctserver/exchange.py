"""The virtual exchange's door: telephones come in over WebSocket and are put through to their lines."""

from __future__ import annotations

import asyncio
import contextlib
from ipaddress import ip_address
from typing import TYPE_CHECKING

from aiohttp import WSMsgType, web
from yarl import URL

from ctportd.ctserver import signalling
from ctportd.ctserver.directory import Subscriber
from ctportd.ctserver.station import StationLine
from ctportd.ctserver.telephone import Telephone
from ctportd.ctserver.trunk import TrunkLine
from ctportd.webdoor import WebDoor

if TYPE_CHECKING:
    from collections.abc import Mapping

    import structlog

    from ctportd.ctserver.directory import Directory
    from ctportd.ctserver.telephone import Leg
    from ctportd.ctserver.virtual import VirtualLine

_LONGEST_FRAME = 4096
"""Bytes in a frame of a telephone; the contract needs 160, and a caller's name."""

_SHOWN = 200
"""Characters of what is wrong with a telephone's message that are told."""

_TELEPHONES_A_LINE = 4
"""Who calls a line, whom it has dialled, and as many whom it has left to each other and who still talk."""

_SPARE = 64
"""Telephones besides: sets, subscribers whom nobody has called yet, those that find a line busy."""

_PATIENCE = 10.0
"""Seconds of real time that a connection may take to shake hands and to say what it is."""

_NORMAL_CLOSURE = (1000).to_bytes(2, "big")  # RFC 6455, 7.4.1

_CLOSING = 2.0  # seconds that a telephone has to answer the end of its connection


def _places(lines: int) -> int:
    return _SPARE + _TELEPHONES_A_LINE * lines


class Exchange:
    """All telephones, and the lines that they reach."""

    def __init__(
        self,
        lines: Mapping[int, VirtualLine],
        directory: Directory,
        speed: float,
        version: str,
        log: structlog.BoundLogger,
    ) -> None:
        """``version`` is what `hello` says."""
        self._lines = lines
        self._directory = directory
        self._speed = speed
        self._version = version
        self._log = log
        app = web.Application()
        app.router.add_get("/phone", self._telephone)
        self._door = WebDoor(app, _places(len(lines)), _PATIENCE, shutdown_timeout=_CLOSING)

    def make_room(self, lines: int) -> None:
        """Have places for the telephones of so many lines."""
        self._door.places = _places(lines)

    async def open(self, host: str, port: int) -> None:
        """Listen for telephones.

        Raises:
            OSError: The TCP port cannot be had.
        """
        await self._door.open_tcp(host, port)

    async def close(self) -> None:
        """Listen no more; the connections that are left end."""
        await self._door.close()

    async def _telephone(self, request: web.Request) -> web.WebSocketResponse:
        """One telephone, from its first word to its last."""
        if not _is_welcome(request.headers.get("Origin")):
            self._log.warning(
                "a web page that is not of this machine asks for a line", origin=request.headers["Origin"]
            )
            raise web.HTTPForbidden
        socket = web.WebSocketResponse(compress=False, max_msg_size=_LONGEST_FRAME, timeout=_CLOSING)
        await socket.prepare(request)
        transport = request.transport
        if transport is None:  # gone already
            return socket
        telephone = Telephone(transport)
        telephone.tell("hello", speed=self._speed, version=self._version)
        session = Session(telephone, self._lines, self._directory, self._log)
        closer = asyncio.create_task(_close_when_done(telephone, socket))
        earnest = contextlib.ExitStack()
        try:
            async for message in socket:
                if message.type is WSMsgType.BINARY:
                    session.voice(message.data)
                elif message.type is WSMsgType.TEXT:
                    before = telephone.leg
                    session.text(message.data)
                    if before is None and telephone.leg is not None:
                        earnest.enter_context(self._door.serving(request))
        finally:
            earnest.close()
            session.gone()
            closer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await closer
        return socket


def _is_welcome(origin: str | None) -> bool:
    """Whether whoever asks may have a telephone: no browser, or one that shows a page of this machine.

    Browsers let any page of the web connect to this machine, and tell where it came from.
    """
    if origin is None:
        return True
    try:
        host = URL(origin).host or ""
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


async def _close_when_done(telephone: Telephone, socket: web.WebSocketResponse) -> None:
    """Say good-bye, and go on reading until the telephone has said so too.

    ``socket.close()`` would not do at first: while another task reads, it cuts the transport at once, and the
    telephone's frames that are still under way would reset the connection before it has read why the call ended.
    """
    await telephone.closing.wait()
    with contextlib.suppress(ConnectionResetError):  # it may have gone without a word
        await socket.send_frame(_NORMAL_CLOSURE, WSMsgType.CLOSE)
        await asyncio.sleep(_CLOSING)
        await socket.close()


class Session:
    """What one telephone has said so far, and the line that it is on."""

    def __init__(
        self,
        telephone: Telephone,
        lines: Mapping[int, VirtualLine],
        directory: Directory,
        log: structlog.BoundLogger,
    ) -> None:
        self._directory = directory
        self._number = ""
        self._telephone = telephone
        self._lines = lines
        self._log = log

    def voice(self, frame: bytes) -> None:
        """20 ms of what is spoken. What is no frame, or one too many, is thrown away."""
        if self._telephone.closing.is_set():  # the line may be in another call by now
            return
        if self._telephone.spoke(frame) and self._telephone.leg is not None:
            self._telephone.leg.incoming(frame)

    def text(self, text: str) -> None:
        """A signal. What makes no sense is answered with `error`."""
        if self._telephone.closing.is_set():
            return
        try:
            self._said(signalling.read(text))
        except ValueError as error:
            problem = str(error)[:_SHOWN]  # some quote what was said
            self._log.warning("telephone talks nonsense", problem=problem)
            self._telephone.tell("error", message=problem)

    def _said(self, said: signalling.Said) -> None:
        match said:
            case signalling.Call():
                self._call(said)
            case signalling.Press(key=key):
                self._on_line().pressed(key)
            case signalling.HookFlash():
                self._on_line().flashed()
            case signalling.HangUp():
                self._on_line().far_hung_up()
                if not isinstance(
                    self._telephone.leg, StationLine | Subscriber
                ):  # a set stays attached, a subscriber keeps its number
                    self._telephone.leg = None
                    self._telephone.close()
            case signalling.Attach():
                self._attach(said)
            case signalling.Subscribe(number=number):
                self._subscribe(number)
            case signalling.OffHook():
                if not isinstance(self._telephone.leg, StationLine | Subscriber):
                    raise ValueError("only a set of a station port, or a subscriber, can be lifted")  # noqa: TRY004
                self._telephone.leg.lifted()

    def _attach(self, attach: signalling.Attach) -> None:
        self._see_free()
        line = self._lines.get(attach.port)
        if not isinstance(line, StationLine):
            raise ValueError(f"port {attach.port} is no station port")  # noqa: TRY004  said to the telephone
        if not line.attach(self._telephone):
            raise ValueError(f"port {attach.port} has a set")
        self._telephone.leg = line

    def _subscribe(self, number: str) -> None:
        self._see_free()
        subscriber = Subscriber(self._telephone)
        self._directory.add(number, subscriber)
        self._telephone.leg, self._number = subscriber, number

    def _see_free(self) -> None:
        if self._telephone.leg is not None:
            raise ValueError("one connection is one telephone, and it is on a line already")

    def _on_line(self) -> Leg:
        if self._telephone.leg is None:
            raise ValueError("a call, or an attachment, comes first")
        return self._telephone.leg

    def _call(self, call: signalling.Call) -> None:
        self._see_free()
        line = self._lines.get(call.port)
        if not isinstance(line, TrunkLine):
            raise ValueError(f"port {call.port} is no trunk port")  # noqa: TRY004  said to the telephone
        if line.call(self._telephone, call.number, call.name):
            self._telephone.leg = line
            self._log.info("call", port=call.port, number=call.number, caller_name=call.name)
        else:
            self._telephone.tell("busy")
            self._telephone.close()

    def gone(self) -> None:
        """The connection is lost: that is a hang-up, unless the call is over."""
        leg, self._telephone.leg = self._telephone.leg, None
        self._directory.remove(self._number)
        if isinstance(leg, StationLine):
            leg.detached()
        elif leg is not None and not self._telephone.closing.is_set():
            leg.far_hung_up()
        if self._telephone.dropped:
            self._log.warning("voice thrown away", frames=self._telephone.dropped)
