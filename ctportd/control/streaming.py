"""Answers that go on: streams of server-sent events, bounded in number, which end when the server does."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from ctportd.control.sse import END, HEARTBEAT, HEARTBEAT_EVERY, OPENING, ServerSent, encoded
from ctportd.errors import TooManyStreamsError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator, Sequence

MOST = 16
"""Streams at a time: a quarter of the connections, so that who listens never keeps a command out (our figure)."""

STALLED = 300.0
"""Seconds for which a client may read nothing: a pager that waits for a key is one of those (our figure)."""

LOOK_EVERY = 1.0
"""Seconds between two looks at whether the client is still there (our figure)."""

log = structlog.stdlib.get_logger("ctportd.control")


class Streamed:
    """What a route's function returns whose answer goes on.

    Args:
        batches: The events, as many at a time as there are. It must keep none for a client that does not read: it is
            asked for the next ones when the last are on their way.
    """

    def __init__(self, batches: AsyncIterator[Sequence[ServerSent]]) -> None:
        self.batches = batches


class Streams:
    """The streams of a server."""

    def __init__(self) -> None:
        self._closing = asyncio.Event()
        self._writing: set[asyncio.Transport] = set()
        self._open = 0

    def close(self) -> None:
        """End all: each client is told, but for those that do not read."""
        self._closing.set()
        for transport in self._writing:
            transport.abort()

    async def serve(self, streamed: Streamed, request: web.Request) -> web.StreamResponse:
        """Answer a request with a stream, until it ends, or the client is gone.

        Raises:
            TooManyStreamsError: There are as many as there may be.
        """
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/event-stream",
                "Cache-Control": "no-store",
                "X-Accel-Buffering": "no",  # a proxy that saves up events would show them late
            }
        )
        with self._place():
            if request.method == "HEAD":
                await response.prepare(request)
            else:
                await self._answer(streamed, response, request)
        return response

    @contextmanager
    def _place(self) -> Iterator[None]:
        if self._open >= MOST or self._closing.is_set():
            raise TooManyStreamsError(self._open)
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def _answer(self, streamed: Streamed, response: web.StreamResponse, request: web.Request) -> None:
        """Raises nothing: a stream that has begun cannot be answered with a problem any more, and breaks off."""
        closing = asyncio.ensure_future(self._closing.wait())
        coming = asyncio.ensure_future(_next(streamed))
        await asyncio.sleep(0)  # it listens, before the client can know that it does
        try:
            await response.prepare(request)
            await self._send(response, request, OPENING)
            silent = 0.0
            while not closing.done():
                await asyncio.wait((coming, closing), timeout=LOOK_EVERY, return_when=asyncio.FIRST_COMPLETED)
                silent += LOOK_EVERY
                data = HEARTBEAT if silent >= HEARTBEAT_EVERY else b""
                if coming.done():
                    batch = coming.result()
                    if batch is None:
                        break
                    data = b"".join(map(encoded, batch))
                    coming = asyncio.ensure_future(_next(streamed))
                if data:
                    silent = 0.0
                await self._send(response, request, data)
            await self._send(response, request, encoded(ServerSent(b"{}", END)))
        except (ConnectionError, TimeoutError) as error:  # the client is gone, or does not read
            log.debug("a stream is over", path=request.path, reason=str(error) or type(error).__name__)
        except Exception:
            log.exception("a stream of the control interface failed", path=request.path)
            if request.transport is not None:
                request.transport.close()
        finally:
            closing.cancel()
            coming.cancel()
            await asyncio.wait((coming,))
            await _close(streamed)

    async def _send(self, response: web.StreamResponse, request: web.Request, data: bytes) -> None:
        """Send some bytes, which takes as long as the client lets them lie; none: only see whether it is there."""
        transport = request.transport
        if not isinstance(transport, asyncio.Transport) or transport.is_closing():
            raise ConnectionResetError
        if not data:
            return
        self._writing.add(transport)
        try:
            async with asyncio.timeout(STALLED):
                await response.write(data)
        except TimeoutError:
            log.info("a client of a stream reads nothing, and is given up", path=request.path)
            transport.abort()
            raise
        finally:
            self._writing.discard(transport)


async def _next(streamed: Streamed) -> Sequence[ServerSent] | None:
    return await anext(streamed.batches, None)


async def _close(streamed: Streamed) -> None:
    """Have the iterator put its things in order, where it is a generator."""
    close = getattr(streamed.batches, "aclose", None)
    if close is not None:
        await close()
