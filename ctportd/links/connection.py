"""One TCP connection to ctserver that is held up for ever, and on which a request waits for its own reply."""

from __future__ import annotations

import asyncio
import random
import socket
from collections import deque
from typing import TYPE_CHECKING, Protocol

from tenacity import AsyncRetrying, retry_if_exception_type, retry_never, wait_exponential

from ctportd.errors import (
    BadReply,
    ConnectFailed,
    Disconnected,
    LinkError,
    PortBusy,
    RequestFailed,
    RequestTimedOut,
)
from ctportd.fates import Fate, Fates, fate_of
from ctportd.wire.events import event_of, is_reply, is_status
from ctportd.wire.keyed import Decoder, encode_request, parse_message
from ctportd.wire.message import MANAGER_HANDLE, BrokenLine, Request, handle_of

if TYPE_CHECKING:
    from tenacity import RetryCallState

    from ctportd.wire.events import Event
    from ctportd.wire.message import Message

FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
JITTER = 0.1
"""A part of the delay by which it varies, so that a hundred ports do not knock at the same instant."""

CONNECT_TIMEOUT = 10.0  # seconds; a ctserver on the same machine or network answers in milliseconds
CLOSED_BY_US = "closed by us"
"""The reason of a connection's end when we want it."""

MOST_WAITING = 256
"""Requests of one connection that may wait for their replies; a plugin that sends on and on is stopped here."""

KEEPALIVE = (
    (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
    (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 30),  # seconds of silence before the kernel asks
    (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 10),  # seconds between its questions
    (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 3),  # questions without an answer
    (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, 30_000),  # milliseconds that what we sent may stay unconfirmed
)
"""A far machine that is gone without a word is noticed within a minute, a request on its way or not (our figures)."""

_FENCE = "serversion"
"""A request that any ctserver answers at once, on any connection, and that changes nothing."""

PROVEN = 5.0
"""Seconds after which a connection counts as good: the delays begin at the first one again after it."""


class Listener(Protocol):
    """Who is told what happens on a connection. Called from the event loop; must not wait."""

    def connected(self) -> None:
        """The connection stands."""

    def disconnected(self, reason: str, retry_in: float | None) -> None:
        """It was lost; the next attempt comes in this many seconds (None: there is none)."""

    def connect_failed(self, error: ConnectFailed, retry_in: float | None) -> None:
        """It could not be made; the next attempt comes in this many seconds (None: there is none)."""

    def event(self, event: Event) -> None:
        """An event came."""

    def stray(self, line: Message | BrokenLine) -> None:
        """A line came that means nothing here: no message, or a reply that nobody awaits."""


class Waiting:
    """A request that was sent and whose reply is awaited, or was until its sender gave up."""

    __slots__ = ("cmd", "reply")

    def __init__(self, cmd: str, reply: asyncio.Future[Message]) -> None:
        self.cmd = cmd
        self.reply = reply


class Connection(asyncio.Protocol):
    """A connection to one TCP port of ctserver.

    Args:
        name: What it leads to, for errors and logs: ``port main:2``, ``manager of main``.
        address: Host and TCP port.
        port: The telephone port that its events are of; 0 for the manager.
        listener: Who is told what happens.
        reconnect: Whether a connection that is lost, or cannot be made, is tried again.
        delays: The first and the longest delay before it is, in seconds; they double in between.

    Attributes:
        name: As given.
        fates: What became of the requests that were asked on it.
    """

    def __init__(
        self,
        name: str,
        address: tuple[str, int],
        port: int,
        listener: Listener,
        *,
        reconnect: bool = True,
        delays: tuple[float, float] = (FIRST_DELAY, LONGEST_DELAY),
    ) -> None:
        self.name = name
        self._address = address
        self._port = port
        self._listener = listener
        self._reconnect = reconnect
        self._delays = delays
        self.fates = Fates()
        self._waiting: deque[Waiting] = deque()
        self._transport: asyncio.Transport | None = None
        self._lost: asyncio.Future[str] | None = None
        self._proven = False
        self._up = asyncio.Event()
        self._begin_decoding()

    @property
    def connected(self) -> bool:
        """Whether a request could be sent now."""
        return self._transport is not None and not self._transport.is_closing()

    async def wait_connected(self) -> None:
        """Wait until the connection stands."""
        await self._up.wait()

    @property
    def awaits_reply(self) -> bool:
        """Whether a reply is still to come, be it to a request that was given up."""
        return bool(self._waiting)

    def reset(self) -> None:
        """Cut the connection: what waits fails, and another one is made as after any loss."""
        if self._transport is not None:
            self._transport.abort()

    async def run(self) -> None:
        """Connect, and connect again whenever the connection is lost, until cancelled.

        Where it is not to be tried again, a connection that is lost stays so.
        """
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(LinkError) if self._reconnect else retry_never,
            retry_error_callback=self._report,
            wait=self._delay,
            before_sleep=self._report,
        )
        try:
            await retrying(self._hold)
            await asyncio.get_running_loop().create_future()  # never done: nothing is left but to be cancelled
        finally:
            self._close()

    async def request(self, request: Request, time_limit: float | None) -> Message:
        """Send a request and wait for its reply, which may be one that carries an event.

        Args:
            request: What to send.
            time_limit: Seconds until the reply must be there; None: as long as it takes.

        Raises:
            InvalidArgument: A value cannot be sent.
            Disconnected: There is no connection, or it was lost before the reply.
            RequestFailed: Ctserver answered ERROR.
            RequestTimedOut: No reply came in time. If it comes late, it is told from the next one's.
            PortBusy: Too many requests wait already.
            BadReply: The reply is neither OK, ERROR nor EVENT.
        """
        line = self._encode(request)
        try:
            reply = await self._ask(request.cmd, line, time_limit)
        except (LinkError, asyncio.CancelledError) as error:
            self.fates.count(fate_of(error))
            raise
        self.fates.count(Fate.DONE)
        return reply

    async def _ask(self, cmd: str, line: bytes, time_limit: float | None) -> Message:
        waiting = self._send(cmd, line)
        try:
            async with asyncio.timeout(time_limit):
                reply = await waiting.reply
        except TimeoutError as error:
            assert time_limit is not None  # noqa: S101 - asyncio.timeout(None) never times out
            if not self._can_tell_late(cmd):
                self.reset()
            raise RequestTimedOut(self.name, cmd, time_limit) from error
        if reply.status == "ERROR":
            raise RequestFailed(self.name, cmd, reply.args[1:])
        if not is_status(reply.status):
            raise BadReply(self.name, cmd, reply.status)
        return reply

    def _send(self, cmd: str, line: bytes) -> Waiting:
        transport = self._transport
        if transport is None or transport.is_closing():
            raise Disconnected(self.name, f"not connected, so {cmd} was not sent", sent=False)
        if len(self._waiting) >= MOST_WAITING:
            raise PortBusy(self.name, f"{MOST_WAITING} requests wait for their replies, so {cmd} was not sent")
        if any(one.cmd == cmd and one.reply.done() for one in self._waiting):
            self._fence(transport)
        waiting = Waiting(cmd, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        transport.write(line)
        return waiting

    def _fence(self, transport: asyncio.Transport) -> None:
        """Part a request that was given up from the next one of its name.

        A reply of that name that comes before the fence's own is the late one of the first, and one that comes after it
        is that of the second, though the first one's be lost for ever.
        """
        handle = MANAGER_HANDLE if self._port == 0 else handle_of(self._port)
        fence = Waiting(_FENCE, asyncio.get_running_loop().create_future())
        fence.reply.cancel()  # nobody waits for it
        self._waiting.append(fence)
        transport.write(self._encode(Request(_FENCE, handle, MANAGER_HANDLE)))

    # -- the dialect

    def _encode(self, request: Request) -> bytes:
        return encode_request(request)

    def _can_tell_late(self, cmd: str) -> bool:
        """Whether a reply of this name that comes too late can be told from the next request's; a fence's cannot."""
        return cmd != _FENCE

    def _begin_decoding(self) -> None:
        self._decoder = Decoder(parse_message)

    def _decode(self, data: bytes) -> list[Message | BrokenLine]:
        return self._decoder.feed(data)

    # -- connecting

    async def _hold(self) -> None:
        """Connect once, and stay until the connection is lost, which is always the end of it."""
        self._proven = False
        loop = asyncio.get_running_loop()
        host, tcp_port = self._address
        try:
            async with asyncio.timeout(CONNECT_TIMEOUT):
                await self._open(host, tcp_port)
        except TimeoutError as error:
            problem = f"no answer from {host}:{tcp_port} within {CONNECT_TIMEOUT:g} s"
            raise ConnectFailed(self.name, problem) from error
        except OSError as error:
            problem = f"cannot connect to {host}:{tcp_port}: {error.strerror or error}"
            raise ConnectFailed(self.name, problem) from error
        assert self._lost is not None  # noqa: S101 - connection_made has run
        since = loop.time()
        reason = await self._lost
        self._proven = loop.time() - since >= PROVEN
        raise Disconnected(self.name, reason)

    async def _open(self, host: str, tcp_port: int) -> None:
        await asyncio.get_running_loop().create_connection(lambda: self, host, tcp_port)

    def _delay(self, state: RetryCallState) -> float:
        if self._proven:
            state.attempt_number = 1  # what came before this connection is forgiven
        first, longest = self._delays
        delay = wait_exponential(multiplier=first, max=longest)(state)
        return delay * random.uniform(1 - JITTER, 1 + JITTER)  # noqa: S311 - spreads load, guards nothing

    def _report(self, state: RetryCallState) -> None:
        error = state.outcome.exception() if state.outcome else None
        retry_in = state.next_action.sleep if state.next_action else None
        if isinstance(error, ConnectFailed):
            self._listener.connect_failed(error, retry_in)
        else:
            self._listener.disconnected(str(error).removeprefix(f"{self.name}: "), retry_in)

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()
            self._drop(CLOSED_BY_US)
            self._listener.disconnected(CLOSED_BY_US, None)

    # -- asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin anew: nothing of an earlier connection is left."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101 - a TCP connection's always is
        sock = transport.get_extra_info("socket")
        for option in KEEPALIVE:
            sock.setsockopt(*option)
        self._transport = transport
        self._begin_decoding()
        self._lost = asyncio.get_running_loop().create_future()
        self._up.set()
        self._listener.connected()

    def connection_lost(self, exc: Exception | None) -> None:
        """Fail whatever waits: a request is never sent again on the next connection."""
        reason = "ctserver closed the connection" if exc is None else f"the connection broke: {exc}"
        self._drop(reason)

    def _drop(self, reason: str) -> None:
        self._transport = None
        self._up.clear()
        waiting, self._waiting = self._waiting, deque()
        for one in waiting:
            if not one.reply.done():
                one.reply.set_exception(Disconnected(self.name, f"{reason} before the reply to {one.cmd}"))
        if self._lost is not None and not self._lost.done():
            self._lost.set_result(reason)

    def data_received(self, data: bytes) -> None:
        """Take what arrived, each line in its order."""
        for message in self._decode(data):
            if isinstance(message, BrokenLine):
                self._broken(message)
            else:
                self._take(message)

    def _broken(self, line: BrokenLine) -> None:
        """A line that is no message: the connection lives on."""
        self._listener.stray(line)

    def _take(self, message: Message) -> None:
        answered = self._answered_by(message) if self._waiting else None
        if answered is not None and not answered.reply.done():
            answered.reply.set_result(message)
        event = event_of(message, self._port)
        if event is not None:
            self._listener.event(event)
        elif answered is None:
            self._listener.stray(message)

    def _answered_by(self, message: Message) -> Waiting | None:
        """The request that this message replies to: the oldest, but for those whose sender gave up."""
        for position, waiting in enumerate(self._waiting):
            if is_reply(message, waiting.cmd):
                for _ in range(position + 1):
                    self._waiting.popleft()
                return waiting
            if not waiting.reply.done():
                return None
        return None
