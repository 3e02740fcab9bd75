"""Calls that a port hands over: it flashes, dials, and hangs up; the exchange connects the two that are left."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from ctportd.ctserver.dialling import key_tone
from ctportd.ctserver.g711 import FRAME, SILENCE

if TYPE_CHECKING:
    from collections.abc import Callable

    from ctportd.ctserver.line import Loop
    from ctportd.ctserver.outgoing import Outgoing
    from ctportd.ctserver.virtual import Far

_KEPT = 50  # frames that may wait to be heard: a second


class Enquiry:
    """A call that waits while its port dials another.

    Attributes:
        far: Who is held; None where it has hung up meanwhile.
    """

    def __init__(self, far: Far) -> None:
        far.connect(OnHold(self._gone))
        self.far: Far | None = far

    def tick(self) -> None:
        """20 ms of silence."""
        if self.far is not None and not self.far.behind:
            self.far.hear(SILENCE)
            self.far.owed()

    def _gone(self) -> None:
        self.far = None


class OnHold:
    """What a far end is connected with while it is held: nobody listens."""

    def __init__(self, gone: Callable[[], None]) -> None:
        """``gone`` is called when it hangs up."""
        self._gone = gone

    def incoming(self, frame: bytes) -> None:
        """Nobody hears it."""

    def pressed(self, key: str) -> None:
        """Nobody sees it."""

    def flashed(self) -> None:
        """Nor that."""

    def far_answered(self) -> None:
        """Whoever is held has answered long ago."""

    def far_hung_up(self) -> None:
        """It had enough."""
        self._gone()

    def reconnect(self, far: Far) -> None:
        """It was itself connected anew; who holds it will be told by the next hang-up only."""


class Side:
    """One end of a :class:`Tie`: what its far end says waits here for the other."""

    def __init__(self, tie: Tie, far: Far) -> None:
        self._tie = tie
        self.far = far
        self.said: deque[bytes] = deque(maxlen=_KEPT)

    def incoming(self, frame: bytes) -> None:
        """20 ms of voice."""
        if frame != SILENCE or len(self.said) < 2:
            self.said.append(frame)

    def pressed(self, key: str) -> None:
        """A key is handed on as its tone."""
        tone = key_tone(key)
        self.said.extend(tone[at : at + FRAME] for at in range(0, len(tone), FRAME))

    def flashed(self) -> None:
        """There is nobody to hand over to any more."""

    def far_answered(self) -> None:
        """Who was being rung has answered."""
        self._tie.answered()

    def far_hung_up(self) -> None:
        """It ends the call of both."""
        self._tie.hung_up(self)

    def reconnect(self, far: Far) -> None:
        """Somebody else is at this end now: the call was handed over once more."""
        self.far = far


class Tie:
    """Two far ends, connected by the exchange itself."""

    def __init__(
        self, held: Far, other: Far, outgoing: Outgoing | None, ringback: Loop, over: Callable[[Tie], None]
    ) -> None:
        """``outgoing`` is there where the other has not answered yet; ``over`` is called at the end."""
        self._held = Side(self, held)
        self._other = Side(self, other)
        self._outgoing = outgoing
        self._ringback = ringback
        self._over = over
        held.connect(self._held)
        other.connect(self._other)
        if outgoing is not None:
            outgoing.given_up = self._not_answered

    def tick(self) -> None:
        """20 ms go by."""
        waiting = self._outgoing is not None
        self._carry(self._other, self._held, self._ringback.read() if waiting else SILENCE)
        if not waiting:
            self._carry(self._held, self._other, SILENCE)

    def _carry(self, speaker: Side, hearer: Side, otherwise: bytes) -> None:
        if hearer.far.behind:
            return
        hearer.far.hear(speaker.said.popleft() if speaker.said else otherwise)
        for owed in hearer.far.owed():
            hearer.incoming(owed)

    def answered(self) -> None:
        """Both are there."""
        outgoing, self._outgoing = self._outgoing, None
        if outgoing is not None:
            outgoing.stop()
            self._held.said.clear()
            self._other.far.begin()

    def hung_up(self, side: Side) -> None:
        """One has gone: the other's call is over too."""
        self._stop()
        _end(self._other.far if side is self._held else self._held.far, "hangup")

    def _not_answered(self) -> None:
        self.close("hangup")

    def close(self, reason: str) -> None:
        """End the call of both."""
        self._stop()
        for side in (self._held, self._other):
            _end(side.far, reason)

    def _stop(self) -> None:
        if self._outgoing is not None:
            self._outgoing.stop()
        self._over(self)


def _end(far: Far, reason: str) -> None:
    far.tell("ended", reason=reason)
    far.close()
