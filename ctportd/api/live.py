"""What happens and what is logged, as streams of server-sent events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec

from ctportd.control.encoding import as_json
from ctportd.control.routes import Routes
from ctportd.control.sse import ServerSent
from ctportd.control.streaming import Streamed
from ctportd.errors import TooManyStreamsError
from ctportd.live.events import LOST, LiveEvent
from ctportd.live.filters import EventFilter, LineFilter

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from ctportd.control.routes import Nothing
    from ctportd.daemon import Daemon

routes = Routes()

LINE = "log"
"""The type of the events that are lines of the log."""


class EventParameters(EventFilter, frozen=True):
    """Which events.

    Attributes:
        since: Those after the one with this id, from now on where it is empty. ``Last-Event-ID`` says the same.
    """

    since: str = ""


class LineParameters(LineFilter, frozen=True):
    """Which lines of the log.

    Attributes:
        lines: So many of the last ones come first; of those that are meant.
        follow: Whether it goes on.
        since: Those after the one with this id, instead of the last ones. ``Last-Event-ID`` says the same.
    """

    lines: Annotated[int, msgspec.Meta(ge=0)] = 0
    follow: bool = True
    since: str = ""


@routes.add(
    "GET",
    "/v1/events",
    LiveEvent,
    parameters=EventParameters,
    problems=(TooManyStreamsError,),
    content_type="text/event-stream",
)
async def events(daemon: Daemon, parameters: EventParameters, _body: Nothing) -> Streamed:
    """What happens, as server-sent events: calls, ports, messages, mail, plugins."""
    parameters.check()
    return Streamed(_events(daemon, parameters))


@routes.add(
    "GET",
    "/v1/logs",
    dict,
    parameters=LineParameters,
    problems=(TooManyStreamsError,),
    content_type="text/event-stream",
)
async def lines(daemon: Daemon, parameters: LineParameters, _body: Nothing) -> Streamed:
    """The lines of the log, as server-sent events: the last ones, and those that come."""
    return Streamed(_lines(daemon, parameters))


async def _events(daemon: Daemon, parameters: EventParameters) -> AsyncIterator[list[ServerSent]]:
    with daemon.live.following() as ring:
        async for batch in ring.follow(parameters.since):
            sent = [] if batch.lost == 0 else [_lost(daemon, batch.lost)]
            for id_, event in batch.items:
                seen = parameters.seen(event)
                if seen is not None:
                    sent.append(ServerSent(as_json(seen), seen.type, id_))
            if sent:
                yield sent


async def _lines(daemon: Daemon, parameters: LineParameters) -> AsyncIterator[list[ServerSent]]:
    ring, since = daemon.live.lines, parameters.since
    if parameters.lines and not since:
        since = ring.here
        meant = [(id_, line) for id_, line in ring.last(ring.most) if parameters.takes(line)][-parameters.lines :]
        yield [ServerSent(line, LINE, id_) for id_, line in meant]
    if not parameters.follow:
        return
    async for batch in ring.follow(since):
        sent = [] if batch.lost == 0 else [_lost(daemon, batch.lost)]
        sent += [ServerSent(line, LINE, id_) for id_, line in batch.items if parameters.takes(line)]
        if sent:
            yield sent


def _lost(daemon: Daemon, count: int | None) -> ServerSent:
    return ServerSent(as_json(LiveEvent(daemon.clock.now(), LOST, details={"count": count})), LOST)
