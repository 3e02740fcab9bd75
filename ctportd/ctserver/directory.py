"""Who can be dialled: lines and telephones of the exchange, each by its number."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from ctportd.ctserver.telephone import Telephone
    from ctportd.ctserver.transfer import Tie
    from ctportd.ctserver.virtual import Far

_DIGITS = frozenset("0123456789*#")


class Caller(Protocol):
    """The line that calls."""

    def incoming(self, frame: bytes) -> None:
        """20 ms of voice."""

    def pressed(self, key: str) -> None:
        """A key."""

    def flashed(self) -> None:
        """A hook flash."""

    def far_answered(self) -> None:
        """Who was called has answered."""

    def far_hung_up(self) -> None:
        """Who was called has gone, or does not want the call."""

    def reconnect(self, far: Far) -> None:
        """Somebody else is at the far end from now on."""


class Callee(Protocol):
    """Who has a number."""

    def ring(self, caller: Caller, number: str, name: str) -> Far | None:
        """Ring, with this caller ID. What the caller speaks to; None: it is busy."""


class Directory:
    """The exchange's numbers, and the calls that it carries by itself.

    Attributes:
        ties: Calls that ports have handed over.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, Callee] = {}
        self.ties: list[Tie] = []

    def add(self, number: str, callee: Callee) -> None:
        """Give somebody a number.

        Raises:
            ValueError: It is none, or somebody's.
        """
        if not number or not set(number) <= _DIGITS:
            raise ValueError(f"{number!r} is no number")
        if number in self._numbers:
            raise ValueError(f"the number {number} is taken")
        self._numbers[number] = callee

    def remove(self, number: str) -> None:
        """Take a number away."""
        self._numbers.pop(number, None)

    def find(self, number: str) -> Callee | None:
        """Whose number it is."""
        return self._numbers.get(number)

    def is_complete(self, number: str) -> bool:
        """Whether it is a number, and no more digits could make it another."""
        return number in self._numbers and not any(
            other != number and other.startswith(number) for other in self._numbers
        )

    def tick(self) -> None:
        """20 ms go by in the calls that were handed over."""
        for tie in tuple(self.ties):
            tie.tick()

    def close(self) -> None:
        """The exchange stops: they end."""
        for tie in tuple(self.ties):
            tie.close("closing")


class Peer:
    """A line as the far end of another."""

    behind = False

    def __init__(self, line: Caller) -> None:
        self._line = line

    def begin(self) -> None:
        """A line is always ready."""

    def tell(self, kind: str, **fields: str | float | bool) -> None:  # noqa: ARG002  a line needs no more
        """Of what an exchange tells telephones, a line understands three things."""
        match kind:
            case "answered":
                self._line.far_answered()
            case "ended":
                self._line.far_hung_up()
            case "flash":
                self._line.flashed()

    def hear(self, frame: bytes) -> None:
        """20 ms of voice."""
        self._line.incoming(frame)

    def owed(self) -> list[bytes]:
        """Nothing: a line sends with every tick."""
        return []

    def close(self) -> None:
        """All was said with `ended`."""

    def connect(self, leg: Caller) -> None:
        """What this line says goes there from now on."""
        self._line.reconnect(Peer(leg))


class Subscriber:
    """A telephone of the exchange that has a number: it can be rung, and answer.

    To the line that calls it, it is the far end; to the telephone's connection, what it is connected with.
    """

    def __init__(self, telephone: Telephone) -> None:
        self._telephone = telephone
        self._caller: Caller | None = None
        self._lifted = False

    # as it is called

    def ring(self, caller: Caller, number: str, name: str) -> Far | None:
        """Show who calls. The line that calls sees to the ringing."""
        if self._caller is not None:
            return None
        self._caller = caller
        self._telephone.tell("caller", number=number, name=name)
        return self

    @property
    def behind(self) -> bool:
        """Whether the line should wait for the telephone."""
        return self._lifted and self._telephone.behind

    def begin(self) -> None:
        """Voice flows."""
        self._telephone.begin()

    def tell(self, kind: str, **fields: str | float | bool) -> None:
        """A signal of the exchange."""
        if kind == "ended":
            self._caller = None
            self._lifted = False
        self._telephone.tell(kind, **fields)

    def hear(self, frame: bytes) -> None:
        """20 ms of voice."""
        self._telephone.hear(frame)

    def owed(self) -> list[bytes]:
        """Silence for what the telephone did not send."""
        return self._telephone.owed()

    def close(self) -> None:
        """The call is over; the telephone keeps its number. When the exchange stops, its connection ends too."""

    def connect(self, leg: Caller) -> None:
        """What it says goes there from now on."""
        self._caller = leg

    # as the telephone uses it

    def lifted(self) -> None:
        """It answers."""
        if self._caller is None:
            raise ValueError("nobody rings")
        if not self._lifted:
            self._lifted = True
            self._telephone.tell("answered")
            self._caller.far_answered()

    def far_hung_up(self) -> None:
        """It hangs up, or does not want the call."""
        caller, self._caller = self._caller, None
        self._lifted = False
        if caller is not None:
            caller.far_hung_up()

    def incoming(self, frame: bytes) -> None:
        """20 ms of voice."""
        if self._lifted and self._caller is not None:
            self._caller.incoming(frame)

    def pressed(self, key: str) -> None:
        """A key."""
        if self._lifted and self._caller is not None:
            self._caller.pressed(key)

    def flashed(self) -> None:
        """A hook flash."""
        if self._lifted and self._caller is not None:
            self._caller.flashed()
