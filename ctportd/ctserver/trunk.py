"""A trunk line of the virtual exchange: calls ring it, it answers; the far end is a telephone."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

from ctportd.ctserver.bell import Bell
from ctportd.ctserver.caller_id import caller_words
from ctportd.ctserver.directory import Directory, Peer
from ctportd.ctserver.dtmf import KeyDetector
from ctportd.ctserver.line import Loop, Signal
from ctportd.ctserver.outgoing import Outgoing
from ctportd.ctserver.tones import loop_of
from ctportd.ctserver.transfer import Enquiry, Tie
from ctportd.ctserver.virtual import VirtualLine

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.ctserver.directory import Caller
    from ctportd.ctserver.settings import LineKind
    from ctportd.ctserver.tones import Cadence, Country
    from ctportd.ctserver.virtual import Far, VirtualAlarm

_LOOP_DROP = 10.0
"""Seconds of busy tone after which the exchange drops the loop of a line that nobody puts on hook."""


class TrunkState(StrEnum):
    """What is going on on a trunk line."""

    IDLE = "idle"
    RINGING = "ringing"
    CONNECTED = "connected"
    SEIZED = "seized"  # off hook, no call: dial tone
    DIALLING = "dialling"  # keys are being dialled
    CALLING = "calling"  # who was dialled is rung
    FAILED = "failed"  # the number is nobody's, or busy: busy tone
    ENDED = "ended"  # off hook, the far end has hung up: busy tone until the port goes on hook


class TrunkLine(VirtualLine):
    """A line between a port and the exchange.

    ::

                 call                 answer
        IDLE ------------> RINGING ------------> CONNECTED
         |  <-- far end hangs up --|                 | far end hangs up
         | answer                                    v
         +-------> SEIZED                          ENDED
                     | keys         somebody's       far end answers
                     +--> DIALLING ------------> CALLING --> CONNECTED
                             +-- nobody's, busy --> FAILED
        every state -- hang_up --> IDLE
    """

    def __init__(
        self,
        number: int,
        listener: Callable[[Signal], None],
        country: Country,
        directory: Directory | None = None,
        name: str = "",
    ) -> None:
        """``directory``: whom it can dial. Its own number there is its name, or else its port's number."""
        super().__init__(number, listener)
        self._directory = directory or Directory()
        self._own = (name, "") if name.isdecimal() else (str(number), name)
        self._outgoing: Outgoing | None = None
        self._enquiry: Enquiry | None = None  # the port has flashed, and dials another
        self._directory.add(self._own[0], self)
        self._country = country
        self._state = TrunkState.IDLE
        self._bell = Bell(country, self.after, self._rung, self._send_caller)
        self._caller: tuple[str, str] = ("", "")
        self._exchange_tone: Loop | None = None
        self._keys = KeyDetector(self.pressed)
        self._loop_drop: VirtualAlarm | None = None

    @property
    def kind(self) -> LineKind:
        """A trunk line."""
        return "trunk"

    @property
    def state(self) -> str:
        """One word for people."""
        return self._state.value

    @property
    def off_hook(self) -> bool:
        """Whether the port has taken the line."""
        return self._state not in {TrunkState.IDLE, TrunkState.RINGING}

    @property
    def far_gone(self) -> bool:
        """Whether the far end has hung up."""
        return self._state is TrunkState.ENDED

    @property
    def rings(self) -> int:
        """How often it has rung; 0 where it does not ring."""
        return self._bell.rings if self._state is TrunkState.RINGING else 0

    # what the exchange does

    def call(self, far: Far, number: str, name: str) -> bool:
        """A call comes in, with this caller ID. False: the line is busy."""
        if self._state is not TrunkState.IDLE:
            return False
        self._far = far
        self._state = TrunkState.RINGING
        self._caller = (number, name)
        self._sound(self._country.ringback)
        far.begin()
        self._bell.begin()
        return True

    def _rung(self, count: int) -> None:
        self.note("ringing", count=count)
        self.listener(Signal("ring", (str(count),)))

    def _send_caller(self) -> None:
        self.listener(Signal("cid", caller_words(*self._caller)))

    def ring(self, caller: Caller, number: str, name: str) -> Far | None:
        """Another line dialled this one."""
        return Peer(self) if self.call(Peer(caller), number, name) else None

    def far_answered(self) -> None:
        """Who was dialled has answered."""
        if self._state is TrunkState.CALLING and self._outgoing is not None:
            self._outgoing.stop()
            self._far, self._outgoing = self._outgoing.far, None
            self._exchange_tone = None
            self._state = TrunkState.CONNECTED
            if self._far is not None:
                self._far.begin()

    def far_hung_up(self) -> None:
        """The far end went on hook, or its connection was lost."""
        if self._state is TrunkState.CALLING:
            self._fail()
            return
        ringing = self._state is TrunkState.RINGING
        self._stop_ringing()
        self._far = None
        if ringing:  # as on a real line, the rings simply stop
            self._state = TrunkState.IDLE
        elif self._state is TrunkState.CONNECTED and self._held is not None:
            self._fail()  # who was asked has gone; who waits is there still
        elif self._state is TrunkState.CONNECTED:
            self._lose_far()

    def _lose_far(self) -> None:
        """There is nobody any more at the far end of a call."""
        self._state = TrunkState.ENDED
        self._sound(self._country.busy)
        self._loop_drop = self.after(_LOOP_DROP, self._drop_loop)
        self.listener(Signal("hangup"))

    def _drop_loop(self) -> None:
        self._exchange_tone = None
        self.listener(Signal("loopdrop"))

    def pressed(self, key: str) -> None:
        """The far end pressed a key."""
        if self._state is TrunkState.CONNECTED:
            self.listener(Signal("dtmf", (key,)))

    def flashed(self) -> None:
        """The far end flashed its hook."""
        if self._state is TrunkState.CONNECTED:
            self.listener(Signal("flash"))

    def close(self) -> None:
        """The line is no more: whoever is on it is told, and its number is free."""
        self._end("closing")
        self._directory.remove(self._own[0])

    # what the port does

    def answer(self) -> None:
        """Take the call that rings, or else the idle line, which gives dial tone."""
        if self._state is TrunkState.RINGING:
            self._stop_ringing()
            self._state = TrunkState.CONNECTED
            self.note("answered")
        elif self._state is TrunkState.IDLE:
            self._state = TrunkState.SEIZED
            self._sound(self._country.dial)

    def hang_up(self) -> None:
        """Go on hook: the call ends, and the line is free for another."""
        if self.off_hook:
            self._end("hangup")

    def flash(self) -> None:
        """Hold the call, for dial tone; or let go of what was dialled since, and return to it."""
        if self._enquiry is not None:
            self._return_to_held()
        elif self._state is TrunkState.CONNECTED and self._far is not None:
            self.note("flash")
            self._enquiry, self._far = Enquiry(self._far), None
            self._state = TrunkState.SEIZED
            self._sound(self._country.dial)

    def _return_to_held(self) -> None:
        self._give_up()
        self._let_far_go("hangup")
        self._stop_ringing()
        self._far, self._enquiry = self._held, None
        if self._far is None:
            self._lose_far()
            return
        self._far.connect(self)
        self._state = TrunkState.CONNECTED

    @property
    def _held(self) -> Far | None:
        """Who waits while the port dials another."""
        return None if self._enquiry is None else self._enquiry.far

    def tick(self) -> None:
        """20 ms go by, for who is held too."""
        super().tick()
        if self._enquiry is not None:
            self._enquiry.tick()

    def reconnect(self, far: Far) -> None:
        """Somebody else is at the far end from now on."""
        if self._enquiry is not None and self._enquiry.far is not None:
            self._enquiry.far = far
        else:
            self._far = far

    def dial_key(self, key: str) -> None:
        """A key is dialled: in a call its tone says all, before one the exchange takes it."""
        if self._state is TrunkState.SEIZED:
            self._state = TrunkState.DIALLING
            self._exchange_tone = None
            self._outgoing = Outgoing(self, self._directory, self.after, self._country.ring_period)
        if self._state is TrunkState.DIALLING and self._outgoing is not None:
            self._outgoing.key(key, self._put_through)

    def _put_through(self) -> None:
        self._state = TrunkState.CALLING
        self._sound(self._country.ringback)
        if self._outgoing is None or not self._outgoing.ring(*self._own, self._fail):
            self._fail()

    def _fail(self) -> None:
        """Nobody is there, or wants the call: busy tone."""
        self._give_up()
        self._state = TrunkState.FAILED
        self._sound(self._country.busy)

    def _give_up(self) -> None:
        outgoing, self._outgoing = self._outgoing, None
        if outgoing is not None:
            outgoing.give_up()

    def _end(self, reason: str) -> None:
        self._stop_ringing()
        handed_over = reason == "hangup" and self._state in {TrunkState.CALLING, TrunkState.CONNECTED}
        self._state = TrunkState.IDLE  # first: what stops now is no event of a call any more
        self.say(None)
        held, self._enquiry = self._held, None
        if held is not None and handed_over:
            self._hand_over(held)
            return
        self._give_up()
        self._let_far_go(reason)
        if held is not None:
            self._far = held
            self._let_far_go(reason)

    def _let_far_go(self, reason: str) -> None:
        far, self._far = self._far, None
        if far is not None:
            far.tell("ended", reason=reason)
            far.close()

    def _hand_over(self, held: Far) -> None:
        """Leave the two to each other: who was held, and who was dialled, whether they have answered or not."""
        far, self._far = self._far, None
        outgoing, self._outgoing = self._outgoing, None
        other = far if outgoing is None else outgoing.far
        if other is not None:
            ringback = Loop(loop_of(self._country.ringback), _nobody)
            ties = self._directory.ties
            ties.append(Tie(held, other, outgoing, ringback, ties.remove))

    # voice

    def _stop_ringing(self) -> None:
        self._bell.stop()
        self._exchange_tone = None
        if self._loop_drop is not None:
            self._loop_drop.cancel()
            self._loop_drop = None

    def _sound(self, cadence: Cadence) -> None:
        """The exchange's own tone on the line."""
        self._exchange_tone = Loop(loop_of(cadence), _nobody)

    def _sent(self) -> bytes:
        if self._state is TrunkState.RINGING and self._exchange_tone is not None:
            return self._exchange_tone.read()
        return super()._sent()

    def _heard_from_exchange(self) -> bytes:
        tone = self._exchange_tone
        return super()._heard_from_exchange() if tone is None or not self.off_hook else tone.read()

    def incoming(self, frame: bytes) -> None:
        """20 ms came in; an on-hook line is deaf."""
        if self._state is TrunkState.CONNECTED:
            self._keys.write(frame)
        if self.off_hook:
            super().incoming(frame)


def _nobody() -> None:
    """Nobody waits for the exchange's own tones."""
