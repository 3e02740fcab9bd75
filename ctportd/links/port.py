"""A telephone port: every request of ctserver as a method, and what is known of the line.

All methods send one request and wait for its own reply. They raise :class:`~ctportd.errors.InvalidArgument`
before anything is sent, and :class:`~ctportd.errors.Disconnected`, :class:`~ctportd.errors.RequestFailed`,
:class:`~ctportd.errors.RequestTimedOut` or :class:`~ctportd.errors.BadReply` after. Seconds are whole seconds
of the line. Where a method returns a :class:`~ctportd.links.reply.Reply` and says no more, its digits are the keys
pressed so far, and its event is what cut the request short.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import msgspec
import structlog

from ctportd.errors import LinkError, NotSupported
from ctportd.fates import Fate, fate_of
from ctportd.links.reply import reply_of
from ctportd.logs import about_request
from ctportd.wire.message import handle_of
from ctportd.wire.requests import request_named

if TYPE_CHECKING:
    from ctportd.fates import Fates
    from ctportd.links.connection import Connection
    from ctportd.links.manager import Manager
    from ctportd.links.reply import Reply

log = structlog.stdlib.get_logger("ctportd.links")


class Port:
    """One telephone port of a ctserver.

    Attributes:
        server: The name of its ctserver.
        number: The telephone port, 1 and up.
        dialect: What its ctserver speaks: ``keyed`` or ``classic``.
        name: What its owner calls it; may be empty.
        kind: ``trunk`` (a line to the exchange) or ``station`` (a line to a telephone set).
    """

    def __init__(
        self,
        server: str,
        number: int,
        connection: Connection,
        manager: Manager | None,
        *,
        name: str = "",
        kind: str = "trunk",
        dialect: str = "keyed",
        send_cid: str = "ctsendcid",
    ) -> None:
        self.dialect = dialect
        self.server = server
        self.number = number
        self.name = name
        self.kind = kind
        self._connection = connection
        self._manager = manager
        self._send_cid = send_cid

    def __str__(self) -> str:
        return self.address

    @property
    def address(self) -> str:
        """How a port is named where there are several ctservers: ``main:2``."""
        return f"{self.server}:{self.number}"

    @property
    def connected(self) -> bool:
        """Whether ctserver can be spoken to about this port now."""
        return self._connection.connected

    @property
    def fates(self) -> Fates:
        """What became of the requests that were asked of this port."""
        return self._connection.fates

    @property
    def blocked(self) -> bool:
        """Whether a request is still unanswered, be it one that its sender has given up."""
        return self._connection.awaits_reply

    def reconnect(self) -> None:
        """Cut the connection, so that another one is made: all that frees a blocked port of the classic dialect."""
        self._connection.reset()

    async def request(self, name: str, *values: object) -> Reply:
        """Send any request by its name, such as ``play``, with its arguments."""
        spec = request_named(name)
        if name == "port_status" and not values:
            values = (self.number,)  # without a number it asks for all, one message each: here it is this port's
        request = spec.build(handle_of(self.number), values)
        if name == "send_cid":
            request = msgspec.structs.replace(request, cmd=self._send_cid)
        told = ("?",) if name == "dial" else request.args  # keys may be a PIN, be they dialled or collected
        with about_request(request.cmd) as asked:
            log.debug("request", port=self.address, arguments=told)
            try:
                message = await self._connection.request(request, spec.time_limit(request.args))
            except (LinkError, asyncio.CancelledError) as error:
                asked.fate = fate_of(error)
                log.debug("no reply", port=self.address, error=str(error))
                raise
            asked.fate = Fate.DONE
            log.debug("reply", port=self.address, status=message.status)
        return reply_of(message, self.number)

    # -- the hook

    async def off_hook(self) -> None:
        """Take the line off hook: answer a call, or seize an idle line."""
        await self.request("off_hook")

    async def on_hook(self) -> None:
        """Put the line on hook: end the call."""
        await self.request("on_hook")

    async def wait_for_ring(self, rings: int = 2, delay: int = 0) -> Reply:
        """Wait for so many rings, ``delay`` seconds apart at most (0: ctserver's own figure).

        The values of the reply are the caller ID, where there is one.
        """
        return await self.request("wait_for_ring", rings, delay)

    async def wait_for_dial_tone(self) -> Reply:
        """Wait for dial tone, 10 s at most."""
        return await self.request("wait_for_dial_tone")

    async def dial(self, number: str) -> Reply:
        """Dial ``0-9 # *``; a comma waits one second, ``&`` is a hook flash."""
        return await self.request("dial", number)

    # -- sound

    async def play_tone(self, tone: str) -> None:
        """Start a tone: ``busy``, ``dialx``, ``dial`` or ``ringback``."""
        await self.request("play_tone", tone)

    async def stop_tone(self) -> None:
        """Stop the tone."""
        await self.request("stop_tone")

    async def play(self, file: str, *, ignore_dtmf: bool = False) -> Reply:
        """Play a file, a full path on ctserver's machine, to its end or until a key."""
        return await self.request("play", file, *(["ignore_dtmf"] if ignore_dtmf else []))

    async def play_async(self, file: str, *, ignore_dtmf: bool = False) -> None:
        """Start to play a file and come back at once."""
        await self.request("play_async", file, *(["ignore_dtmf"] if ignore_dtmf else []))

    async def play_stop(self) -> None:
        """Stop what plays."""
        await self.request("play_stop")

    async def record(self, file: str, seconds: int = 0, ending_digits: str = "", silence: int = 0) -> Reply:
        """Record to a file, a full path on ctserver's machine.

        Args:
            file: Where to; its ending says the format: ``.wav`` or ``.au``.
            seconds: The longest that it may take (0: no limit).
            ending_digits: Keys that end it.
            silence: Seconds of silence that end it (0: none do).
        """
        return await self.request("record", file, seconds, ending_digits, silence)

    async def record_stop(self) -> Reply:
        """End a recording, or any other request that blocks the port, from outside.

        Ctserver has no command for it: a user message from the manager does it.
        """
        if self._manager is None:
            raise NotSupported(f"port {self}", self.dialect, "way to stop a recording from outside")
        return await self._manager.request("send_event", self.number, "RECORD_STOP")

    async def sleep(self, seconds: int) -> Reply:
        """Wait, or until a key."""
        return await self.request("sleep", seconds)

    async def grunt_on(self) -> None:
        """Have ctserver tell of sound after silence."""
        await self.request("grunt_on")

    async def grunt_off(self) -> None:
        """Have it tell no more."""
        await self.request("grunt_off")

    # -- keys and events

    async def clear(self) -> None:
        """Forget the keys that were pressed."""
        await self.request("clear")

    async def clear_events(self) -> None:
        """Forget the events that wait."""
        await self.request("clear_events")

    async def collect(self, digits: int, seconds: int, between: int = 0) -> Reply:
        """Collect keys, with those that were typed ahead.

        Args:
            digits: How many at most.
            seconds: How long to wait for the first.
            between: How long to wait for each further one (0: the same).
        """
        return await self.request("collect", digits, seconds, between)

    async def wait_for_event(self) -> Reply:
        """Wait for the port's next event, which the reply carries."""
        return await self.request("wait_for_event")

    async def send_event(self, port: int, *words: str) -> None:
        """Send a message of one to nine words to another port."""
        await self.request("send_event", port, *words)

    async def start_timer(self, seconds: int) -> None:
        """Start the port's timer: a ``timer`` event comes when it runs out."""
        await self.request("start_timer", seconds)

    async def stop_timer(self) -> None:
        """Stop the port's timer."""
        await self.request("stop_timer")

    # -- ports together

    async def join(self, first: int, second: int) -> None:
        """Join two ports."""
        await self.request("join", first, second)

    async def bridge(self, port: int) -> None:
        """Connect to another port."""
        await self.request("bridge", port)

    async def unbridge(self, port: int) -> None:
        """Disconnect from another port."""
        await self.request("unbridge", port)

    async def join_conference(self, port: int) -> None:
        """Join the conference of a port."""
        await self.request("join_conference", port)

    async def leave_conference(self, port: int) -> None:
        """Leave the conference of a port."""
        await self.request("leave_conference", port)

    # -- a station's set

    async def start_ring(self) -> None:
        """Ring the set until told to stop."""
        await self.request("start_ring")

    async def stop_ring(self) -> None:
        """Stop ringing."""
        await self.request("stop_ring")

    async def ring_once(self) -> None:
        """Ring the set once."""
        await self.request("ring_once")

    async def send_cid(self, number: str, name: str = "") -> None:
        """Send caller ID to the set. The words of a name travel as arguments of their own."""
        await self.request("send_cid", number, *(name.split() or [""]))

    # -- caller ID

    async def listen_for_cid(self) -> None:
        """Listen for caller ID; to be sent after the first ring."""
        await self.request("listen_for_cid")

    async def listen_for_cid_jp(self) -> None:
        """Listen for caller ID as it is sent in Japan."""
        await self.request("listen_for_cid_jp")

    async def read_cid(self) -> None:
        """Read the caller ID that was heard; to be sent after the second ring. A ``cid`` event follows."""
        await self.request("read_cid")

    # -- the port itself

    async def set_script_name(self, name: str) -> None:
        """Tell ctserver what runs on the port, for its status."""
        await self.request("set_script_name", name)

    async def port_reset(self) -> None:
        """Reset the port."""
        await self.request("port_reset")

    async def port_status(self) -> Reply:
        """Ask for the port's state. The values of the reply are port, state and script name."""
        return await self.request("port_status")
