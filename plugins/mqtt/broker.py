"""The connection to the broker: made again for ever, and what is kept there told anew each time."""

from __future__ import annotations

import asyncio
import json
import logging
import ssl
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import aiomqtt
import msgspec
import structlog

if TYPE_CHECKING:
    from . import Settings

FIRST_RETRY = 1.0
LONGEST_RETRY = 60.0
"""Seconds between two attempts to connect; they double in between (our figures)."""

MOST_EVENTS = 1000
"""That may wait to be told; beyond them the oldest are lost (our figure)."""

GOODBYE = 0.8
"""Seconds that the broker gets at the end, within what the daemon gives its plugins (our figure)."""

ONLINE, OFFLINE = b"online", b"offline"
"""What Home Assistant takes for them by itself."""

log = structlog.get_logger("mqtt")

_silent = logging.getLogger("mqtt.packets")
"""For the library, which logs each packet that makes no sense, and raises it, too: a broker could fill the disk."""
_silent.setLevel(logging.CRITICAL)


class Broker:
    """Publishes states, of which the newest counts, and events, which nobody wants late.

    Args:
        settings: Where the broker is.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._status = f"{settings.topic}/status"
        self._kept: dict[str, bytes] = {}
        self._changed: dict[str, None] = {}  # the topics of states to be told, in their order
        self._events: deque[tuple[str, bytes]] = deque(maxlen=MOST_EVENTS)
        self._connected = False
        self._closing = False
        self._retired = False
        self._news = asyncio.Event()
        self._trouble = ""
        self._task = asyncio.create_task(self._run())

    def keep(self, topic: str, state: object) -> None:
        """Tell a state, which the broker keeps for whoever subscribes later; a newer one replaces one not told yet."""
        payload = _json(state)
        if self._kept.get(topic) != payload:
            self._kept[topic] = payload
            self._changed[topic] = None
            self._wake()

    def tell(self, topic: str, event: object) -> None:
        """Tell of an event, if there is a connection."""
        if self._connected:
            self._events.append((topic, _json(event)))
            self._wake()

    async def close(self) -> None:
        """Tell what is left to tell, and that we are gone."""
        self._closing = True
        self._wake()
        await asyncio.wait([self._task], timeout=GOODBYE)
        self._task.cancel()

    def retire(self) -> None:
        """Tell only what comes, and not that we are gone: a newer one of us tells of all the rest."""
        self._retired = True
        self._kept.clear()
        self._changed.clear()

    def _wake(self) -> None:
        self._news.set()
        if self._task.done() and not self._closing:  # it was cancelled: the plugin was in quarantine
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        delay = FIRST_RETRY
        while not self._closing:
            began = asyncio.get_running_loop().time()
            try:
                await self._serve()
            except (aiomqtt.MqttError, OSError, ValueError) as error:
                if self._connected and asyncio.get_running_loop().time() - began >= LONGEST_RETRY:
                    delay = FIRST_RETRY  # it was of some use
                self._tell_trouble(str(error) or type(error).__name__)
            finally:
                self._connected = False
                self._events.clear()
            if not self._closing:
                await self._pause(delay)
                delay = min(2 * delay, LONGEST_RETRY)

    async def _pause(self, seconds: float) -> None:
        """Wait, but not when all is over."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._closing:
                    self._news.clear()
                    await self._news.wait()

    def _tell_trouble(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.warning("the broker cannot be used; it is tried again", host=self._settings.host, error=trouble)
        self._trouble = trouble

    async def _serve(self) -> None:
        """Connect, and publish until the connection is lost or all is over."""
        context, password = await asyncio.to_thread(_prepare, self._settings)
        client = aiomqtt.Client(
            self._settings.host,
            self._settings.tcp_port,
            username=self._settings.user or None,
            password=password or None,
            will=aiomqtt.Will(self._status, OFFLINE, qos=1, retain=True),
            tls_context=context,
            logger=_silent,
        )
        async with client:
            self._connected, self._trouble = True, ""
            log.info("connected to the broker", host=self._settings.host)
            self._changed |= dict.fromkeys(self._kept)
            tasks = [asyncio.create_task(self._publish(client)), asyncio.create_task(_until_lost(client))]
            try:
                await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)
            for task in tasks:
                if not task.cancelled():
                    task.result()

    async def _publish(self, client: aiomqtt.Client) -> None:
        """Tell whatever there is to tell."""
        await client.publish(self._status, ONLINE, qos=1, retain=True)
        while True:
            self._news.clear()
            while self._changed:
                topic = next(iter(self._changed))
                del self._changed[topic]
                await client.publish(topic, self._kept[topic], qos=1, retain=True)
            while self._events:
                await client.publish(*self._events.popleft(), qos=1)
            if self._closing:
                if not self._retired:
                    await client.publish(self._status, OFFLINE, qos=1, retain=True)
                return
            await self._news.wait()


async def _until_lost(client: aiomqtt.Client) -> None:
    """Nothing is subscribed to: this ends, with an error, when the connection does."""
    async for _ in client.messages:
        continue


def _prepare(settings: Settings) -> tuple[ssl.SSLContext | None, str]:
    """Certificates to trust, and the password, from the disk each time: both are renewed while the daemon runs."""
    context = ssl.create_default_context(cafile=settings.ca_file or None) if settings.tls else None
    if not settings.password_file:
        return context, settings.password
    return context, Path(settings.password_file).read_text("utf-8").partition("\n")[0]


def _json(data: Any) -> bytes:
    try:
        return msgspec.json.encode(data)
    except UnicodeEncodeError:  # a caller's name was no UTF-8
        return json.dumps(msgspec.to_builtins(data), ensure_ascii=False).encode("utf-8", "replace")
