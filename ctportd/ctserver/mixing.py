"""Lines that hear each other: joined, bridged, or in a conference."""

from __future__ import annotations

from collections import deque
from itertools import permutations
from typing import TYPE_CHECKING

import numpy as np

from ctportd.ctserver import g711

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd.ctserver.port import Port

_KEPT = 50
"""Frames that may wait to be heard: a second, beyond which the oldest are lost."""

_ENOUGH = 5
"""Frames that wait when silence among them is left out, so that no delay stays for good."""


def mix(frames: list[bytes]) -> bytes:
    """The sum of frames of mu-law; what is too loud for a sample is cut at its largest value."""
    if len(frames) == 1:
        return frames[0]
    total = np.zeros(g711.FRAME, np.int32)
    for frame in frames:
        total += g711.decode(frame)
    return g711.encode(np.clip(total, -32768, 32767).astype(np.int16))


class Pipe:
    """What one line hears of another: a sink there, and here a frame a tick."""

    def __init__(self) -> None:
        self._frames: deque[bytes] = deque(maxlen=_KEPT)

    def write(self, frame: bytes) -> None:
        """20 ms of the other line."""
        if len(self._frames) < _ENOUGH or frame != g711.SILENCE:
            self._frames.append(frame)

    def read(self) -> bytes | None:
        """The next frame, if there is one."""
        return self._frames.popleft() if self._frames else None


class Switchboard:
    """Who hears whom: pairs of ports, and conferences, each under the number of the port that it is of."""

    def __init__(self) -> None:
        self._pairs: set[frozenset[Port]] = set()
        self._conferences: dict[int, set[Port]] = {}
        self._pipes: dict[tuple[Port, Port], Pipe] = {}

    def connect(self, one: Port, other: Port) -> None:
        """Let two ports hear each other."""
        self._pairs.add(frozenset((one, other)))
        self._renew()

    def disconnect(self, one: Port, other: Port) -> bool:
        """Let them hear each other no more. False: they did not."""
        pair = frozenset((one, other))
        found = pair in self._pairs
        self._pairs.discard(pair)
        self._renew()
        return found

    def join_conference(self, port: Port, owner: Port) -> None:
        """Let a port hear, and be heard by, all in the conference of a port, which is in it too."""
        self._conferences.setdefault(owner.number, {owner}).add(port)
        self._renew()

    def leave_conference(self, port: Port, owner: Port) -> bool:
        """Take a port out of it. False: it was not in it. The last one in it ends it."""
        members = self._conferences.get(owner.number, set())
        found = port in members
        members.discard(port)
        self._tidy()
        return found

    def leave(self, port: Port) -> None:
        """A port hangs up: it hears nobody any more."""
        self._pairs = {pair for pair in self._pairs if port not in pair}
        for members in self._conferences.values():
            members.discard(port)
        self._tidy()

    def _tidy(self) -> None:
        self._conferences = {owner: members for owner, members in self._conferences.items() if len(members) > 1}
        self._renew()

    def _wanted(self) -> Iterator[tuple[Port, Port]]:
        """Every (speaker, hearer)."""
        for group in (*self._pairs, *self._conferences.values()):
            yield from permutations(group, 2)

    def _renew(self) -> None:
        wanted = set(self._wanted())
        for speaker, hearer in set(self._pipes) - wanted:
            pipe = self._pipes.pop((speaker, hearer))
            speaker.line.unlisten(pipe)
            hearer.line.unpipe(pipe)
        for speaker, hearer in wanted - set(self._pipes):
            pipe = self._pipes[speaker, hearer] = Pipe()
            speaker.line.listen(pipe)
            hearer.line.pipe(pipe)
