"""A telephone port: its line, its keys, its events and who is told of them."""

from __future__ import annotations

import asyncio
from collections import deque
from typing import TYPE_CHECKING, Protocol

from ctportd.ctserver.line import Signal
from ctportd.ctserver.wait import Wait
from ctportd.wire.events import KEYS
from ctportd.wire.message import MAX_ARGUMENTS, handle_of

if TYPE_CHECKING:
    from collections.abc import Callable

    import structlog

    from ctportd.ctserver.grunt import GruntDetector
    from ctportd.ctserver.line import Alarm, Line, Loop, Playback

_KEYS_KEPT = 256
"""Keys in the digit buffer; what is pressed beyond them is lost, as on a card."""

_SHOWN = 80  # characters of an event's name, and of each of its words, that the log shows

HANGUP = Signal("hangup")


class Listener(Protocol):
    """A connection that is told of a port's events."""

    def tell(self, port: Port, signal: Signal) -> None:
        """This happened on the port."""

    def forget_events(self) -> None:
        """Events that it was not told yet are not to be told."""


class Port:
    """What ctserver knows of a telephone port.

    Attributes:
        number: The telephone port, 1 and up.
        handle: Its number on the wire.
        line: Its line.
        script: What runs on it, as its client says.
        listening: Caller ID is listened for.
        caller: The caller ID that was heard of the present call: number, words of the name.
        listeners: The connections that are told of events.
        playback: The file that was played last, whether it still plays or not.
        tone: The tone that was started last.
        key_stops: A key stops the playback.
        on_hook: Called when the port has gone on hook, or the far end has gone.
        turn: Held by the blocking request that runs.
    """

    line: Line

    def __init__(self, number: int, log: structlog.BoundLogger) -> None:
        """The line is set by whoever makes both: each knows the other."""
        self.number = number
        self.handle = handle_of(number)
        self.script = ""
        self.listening = False
        self.caller: tuple[str, ...] = ()
        self.listeners: list[Listener] = []
        self.playback: Playback | None = None
        self.tone: Loop | None = None
        self.key_stops = False
        self.turn = asyncio.Lock()
        self.on_hook: Callable[[Port], None] = _nobody
        self._grunts: GruntDetector | None = None
        self._log = log
        self._keys: deque[str] = deque()
        self._wait: Wait | None = None
        self._timer: Alarm | None = None

    # what happens on the line

    def notice(self, signal: Signal) -> None:
        """An event: keep what is to be kept of it, end what it ends, and tell everyone once."""
        if signal.name == "cid":
            self._heard_caller(signal.words)
            return
        if signal == HANGUP:
            self.on_hook(self)
        if signal == _FIRST_RING or signal.name == "pickup":
            self._begin_call()
        if signal.name == "dtmf":
            self._pressed(signal.words[0])
        self.send(signal)

    def send(self, signal: Signal) -> None:
        """Tell of an event: in the reply to the request that it cuts short, on other connections as a line."""
        self._log.info("event", port=self.number, event_name=signal.name[:_SHOWN], words=_shown(signal))
        wait = self._wait
        cut = wait is not None and wait.cuts(signal)
        for listener in tuple(self.listeners):
            if not (cut and wait is not None and listener is wait.asker):
                listener.tell(self, signal)
        if wait is None or wait.over:
            return
        if cut:
            wait.interrupt(signal)
        elif signal.name == "dtmf" and signal.words[0] in wait.keys:
            wait.pressed(signal.words[0])
        else:
            wait.on_signal(signal)

    def _begin_call(self) -> None:
        self._keys.clear()
        self.caller = ()
        self.forget_events()  # whose hang-up a client would take for that of the new call

    def _heard_caller(self, words: tuple[str, ...]) -> None:
        if self.listening:
            self.listening = False
            self.caller = words

    # keys

    def _pressed(self, key: str) -> None:
        if len(self._keys) < _KEYS_KEPT:
            self._keys.append(key)
        if self.key_stops:
            self.stop_playing()

    @property
    def digits(self) -> str:
        """The keys in the digit buffer."""
        return "".join(self._keys)

    def take_digits(self, most: int) -> str:
        """Take keys out of the buffer, the oldest first."""
        return "".join(self._keys.popleft() for _ in range(min(most, len(self._keys))))

    def clear_digits(self) -> None:
        """Forget every key."""
        self._keys.clear()

    def forget_events(self) -> None:
        """No connection is to be told of an event that waits to be fetched."""
        for listener in self.listeners:
            listener.forget_events()

    # what a request does

    def open_wait(self, asker: object) -> Wait:
        """A blocking request of this connection begins. At most one does at a time: :attr:`turn` sees to it."""
        self._wait = Wait(asker)
        return self._wait

    def close_wait(self) -> None:
        """It is over; if nobody saw it end (its connection is gone), what it set going stops now."""
        wait, self._wait = self._wait, None
        if wait is not None:
            wait.abandon()

    def play(self, playback: Playback, *, key_stops: bool) -> None:
        """Begin to play; a key may stop it."""
        self.playback = playback
        self.key_stops = key_stops
        playback.start()

    def stop_playing(self) -> None:
        """Stop what plays; a tone is no such thing."""
        if self.playback is not None:
            self.line.stop(self.playback)

    def start_tone(self, tone: Loop) -> None:
        """Send a tone in place of what is sent."""
        self.line.say(None)
        self.tone = tone
        self.line.say(tone)

    def stop_tone(self) -> None:
        """Stop it."""
        if self.tone is not None:
            self.line.stop(self.tone)

    def start_timer(self, seconds: float) -> None:
        """Start the port's timer anew, in seconds of line time."""
        self.stop_timer()
        self._timer = self.line.after(seconds, lambda: self.notice(Signal("timer")))

    def stop_timer(self) -> None:
        """Stop it; no event comes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def hear_grunts(self, detector: GruntDetector | None) -> None:
        """Listen with this from now on, or not at all."""
        if self._grunts is not None:
            self.line.unlisten(self._grunts)
        self._grunts = detector
        if detector is not None:
            self.line.listen(detector)

    def hang_up(self) -> None:
        """Go on hook. A blocking request that runs on the call ends as at a hang-up of the far end."""
        if self._wait is not None and self.line.off_hook:
            self._wait.interrupt(HANGUP)
        self.listening = False
        self.hear_grunts(None)
        self.on_hook(self)
        self.line.hang_up()

    def reset(self) -> None:
        """As if newly started: on hook, nothing runs, nothing is remembered."""
        if self._wait is not None:
            self._wait.interrupt(HANGUP)
        self.stop_timer()
        self.hear_grunts(None)
        self.on_hook(self)
        self.line.hang_up()
        self._begin_call()
        self.listening = False
        self.script = ""


ALL_KEYS = KEYS
"""Every key, for a request that any key ends."""

_FIRST_RING = Signal("ring", ("1",))


def _shown(signal: Signal) -> tuple[str, ...]:
    """An event's words as the log shows them: a key may be one of a PIN, a client's message is as long as it likes."""
    if signal.name == "dtmf":
        return ("?",)
    return tuple(word[:_SHOWN] for word in signal.words[:MAX_ARGUMENTS])


def _nobody(port: Port) -> None:
    """Nobody wants to know that a port is on hook."""
