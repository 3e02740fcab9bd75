"""Requests about the call and the keys: answering, waiting, collecting, dialling, events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.ctserver.asked import Refused, Served
from ctportd.ctserver.dialling import Dialling
from ctportd.ctserver.line import Signal
from ctportd.ctserver.port import ALL_KEYS
from ctportd.wire.events import EVENT_TYPES, KEYS
from ctportd.wire.requests import COMMANDS

if TYPE_CHECKING:
    from ctportd.ctserver.asked import Asked

_RESERVED = frozenset(EVENT_TYPES) | KEYS | frozenset(COMMANDS)
"""Words that no user message may begin with: clients would take it for something else."""

_LONGEST_WORD = 255
"""Characters of what a client has others told: a line of several longer ones would be longer than a line may be."""


async def answer(asked: Asked) -> tuple[str, ...]:
    """Take the line off hook."""
    asked.port.line.answer()
    return ()


async def hang_up(asked: Asked) -> tuple[str, ...]:
    """Put it on hook."""
    asked.port.hang_up()
    return ()


async def wait_for_ring(asked: Asked) -> tuple[str, ...]:
    """Wait until it has rung so many times; the reply holds the caller ID, which this listens for itself."""
    rings = asked.whole(0, "2")
    longest = asked.seconds(1, "0")
    port, wait = asked.port, asked.wait
    if port.line.off_hook:
        raise Refused("off-hook")
    if not port.caller or not port.line.rings:  # while nothing rings, what is known is the last call's
        port.listening = True
    watch = RingWatch(asked, rings, longest)
    if port.line.rings >= rings:
        return port.caller or ("",)
    wait.on_signal = watch.notice
    wait.on_end = watch.stop
    await wait.ended()
    return port.caller or ("",)


class RingWatch:
    """Counts rings; those further apart than allowed are not of one call."""

    def __init__(self, asked: Asked, rings: int, longest: float) -> None:
        """``longest``: seconds between two rings; 0: as the line itself counts."""
        self._asked = asked
        self._rings = rings
        self._longest = longest
        self._seen = asked.port.line.rings
        self._alarm = asked.port.line.after(longest, self._forget) if longest and self._seen else None

    def notice(self, signal: Signal) -> None:
        """An event of the port."""
        if signal.name != "ring":
            return
        self.stop()
        self._seen = 1 if signal.words == ("1",) else self._seen + 1
        if self._seen >= self._rings:
            self._asked.wait.finish()
        elif self._longest:
            self._alarm = self._asked.port.line.after(self._longest, self._forget)

    def _forget(self) -> None:
        self._seen = 0

    def stop(self) -> None:
        """Nobody waits any more."""
        if self._alarm is not None:
            self._alarm.cancel()


async def sleep(asked: Asked) -> tuple[str, ...]:
    """Wait, or until a key."""
    alarm = asked.port.line.after(asked.seconds(0), asked.wait.finish)
    asked.wait.keys = ALL_KEYS
    asked.wait.on_end = alarm.cancel
    await asked.wait.ended()
    return (asked.port.digits,)


async def clear(asked: Asked) -> tuple[str, ...]:
    """Forget the keys that were pressed."""
    asked.port.clear_digits()
    return ()


async def collect(asked: Asked) -> tuple[str, ...]:
    """Collect keys, those typed ahead too, and take them out of the buffer."""
    most = asked.whole(0)
    first, between = asked.seconds(1), asked.seconds(2, "0")
    watch = DigitWatch(asked, most, between or first)
    watch.wait_for_key(first if not asked.port.digits else between or first)
    if not asked.wait.over:
        asked.wait.on_signal = watch.notice
        asked.wait.on_end = watch.stop
    await asked.wait.ended()
    return (asked.port.take_digits(most),)


class DigitWatch:
    """Waits until there are enough keys, or none comes in time."""

    def __init__(self, asked: Asked, most: int, between: float) -> None:
        """``between``: seconds that the next key may take."""
        self._asked = asked
        self._most = most
        self._between = between
        self._alarm = asked.port.line.after(0, _nothing)

    def wait_for_key(self, seconds: float) -> None:
        """The next key may take so long, unless there are enough."""
        self.stop()
        if len(self._asked.port.digits) >= self._most:
            self._asked.wait.finish()
        else:
            self._alarm = self._asked.port.line.after(seconds, self._asked.wait.finish)

    def notice(self, signal: Signal) -> None:
        """An event of the port."""
        if signal.name == "dtmf":
            self.wait_for_key(self._between)

    def stop(self) -> None:
        """Nobody waits any more."""
        self._alarm.cancel()


def _nothing() -> None:
    """An alarm that was never set."""


async def dial(asked: Asked) -> tuple[str, ...]:
    """Dial keys; a comma is a second's pause, ``&`` a hook flash."""
    keys = asked.text(0)
    if not all(key in "0123456789*#ABCD,&" for key in keys):
        raise Refused("bad-number", repr(keys))
    asked.off_hook()
    dialling = Dialling(asked.port.line, keys, asked.wait.finish)
    asked.wait.on_end = dialling.stop
    dialling.start()
    await asked.wait.ended()
    return (asked.port.digits,)


async def wait_for_event(asked: Asked) -> tuple[str, ...]:
    """Wait for any event; it comes in the reply."""
    asked.wait.every_event = True
    await asked.wait.ended()
    return (asked.port.digits,)


async def clear_events(asked: Asked) -> tuple[str, ...]:
    """Forget the events that wait."""
    asked.port.forget_events()
    return ()


async def send_event(asked: Asked) -> tuple[str, ...]:
    """Send a user message to the port that is asked."""
    text = asked.text(0)
    for word in asked.args:
        _see_length(word)
    if text in _RESERVED:
        raise Refused("reserved-word", text)
    words = (str(asked.sender), *asked.args[1:])
    asked.port.notice(Signal(text, words[:8]))
    return ()


async def start_timer(asked: Asked) -> tuple[str, ...]:
    """Start the port's timer."""
    asked.port.start_timer(asked.seconds(0))
    return ()


async def stop_timer(asked: Asked) -> tuple[str, ...]:
    """Stop it."""
    asked.port.stop_timer()
    return ()


async def set_script(asked: Asked) -> tuple[str, ...]:
    """Name what runs on the port."""
    _see_length(asked.text(0))
    asked.port.script = asked.text(0)
    return ()


def _see_length(word: str) -> None:
    if len(word) > _LONGEST_WORD:
        raise Refused("word-too-long", f"{len(word)} characters, where {_LONGEST_WORD} are allowed")


async def listen_for_caller(asked: Asked) -> tuple[str, ...]:
    """Listen for caller ID, which comes after the first ring."""
    asked.port.listening = True
    return ()


async def read_caller(asked: Asked) -> tuple[str, ...]:
    """A ``cid`` event follows with what was heard; its fields are empty where that is nothing."""
    asked.afterwards.append(Signal("cid", asked.port.caller or ("", "")))
    return ()


CALL_REQUESTS = {
    "ctanswer": Served(answer),
    "cthangup": Served(hang_up),
    "ctwaitforring": Served(wait_for_ring, blocking=True),
    "ctsleep": Served(sleep, blocking=True, on_call=True),
    "ctclear": Served(clear),
    "ctcollect": Served(collect, blocking=True, on_call=True),
    "ctdial": Served(dial, blocking=True, on_call=True),
    "ctwaitforevent": Served(wait_for_event, blocking=True),
    "ctclearevents": Served(clear_events),
    "ctsendevent": Served(send_event),
    "ctstarttimerasync": Served(start_timer),
    "ctstoptimer": Served(stop_timer),
    "ctsetscript": Served(set_script),
    "ctlistenforcid": Served(listen_for_caller),
    "ctlistenforjpcid": Served(listen_for_caller),
    "ctreadcid": Served(read_caller),
}
"""What a call is made of, but for sound."""
