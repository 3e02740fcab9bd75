"""A trunk line, tick by tick, without clock or network."""

from __future__ import annotations

import asyncio

import pytest

from ctportd.ctserver.clock import LineClock
from ctportd.ctserver.line import Loop, Playback, Signal
from ctportd.ctserver.sounds import Sound
from ctportd.ctserver.tones import COUNTRIES, country_of, loop_of
from ctportd.ctserver.trunk import TrunkLine
from ctportd.errors import ServerError

SILENCE = b"\xff" * 160


class FakeFar:
    """A far end that notes all it is told, in order."""

    def __init__(self) -> None:
        self.told: list[str | bytes] = []
        self.behind = False
        self.silence_owed: list[bytes] = []

    def begin(self) -> None:
        """Voice flows."""

    def tell(self, kind: str, **fields: str | float | bool) -> None:
        """Note a signal."""
        self.told.append(" ".join((kind, *(str(value) for value in fields.values()))))

    def hear(self, frame: bytes) -> None:
        """Note a frame."""
        self.told.append(frame)

    def owed(self) -> list[bytes]:
        """What it should have sent."""
        return self.silence_owed

    def close(self) -> None:
        """Note the end."""
        self.told.append("closed")

    def connect(self, leg: object) -> None:
        """It says nothing."""


class Taker:
    """A sink that keeps what it is given."""

    def __init__(self) -> None:
        self.taken: list[bytes] = []

    def write(self, frame: bytes) -> None:
        """Keep a frame."""
        self.taken.append(frame)


@pytest.fixture
def signals() -> list[Signal]:
    """What the line told its port."""
    return []


@pytest.fixture
def line(signals: list[Signal]) -> TrunkLine:
    """An idle line."""
    return TrunkLine(1, signals.append, country_of("us"))


def ticks(line: TrunkLine, count: int) -> None:
    """So many times 20 ms."""
    for _ in range(count):
        line.tick()


def test_caller_id_stands_between_the_rings(line: TrunkLine, signals: list[Signal]) -> None:
    """Three seconds after the first ring began, and once only."""
    line.call(FakeFar(), "5550100", "Ada Lovelace")
    ticks(line, 149)
    assert signals == [Signal("ring", ("1",))]
    ticks(line, 1)
    assert signals[1:] == [Signal("cid", ("5550100", "Ada", "Lovelace"))]
    ticks(line, 750)
    assert [signal.words[0] for signal in signals if signal.name == "ring"] == ["1", "2", "3", "4"]
    assert [signal.name for signal in signals].count("cid") == 1


@pytest.mark.parametrize("country", sorted(COUNTRIES))
def test_rings_in_every_country(country: str, signals: list[Signal]) -> None:
    """Caller ID comes before the second ring, and ring-back sounds while the bell does."""
    line = TrunkLine(1, signals.append, country_of(country))
    far = FakeFar()
    line.call(far, "1", "")
    ticks(line, 160)
    ticks(line, 140)
    names = [signal.name for signal in signals]
    assert names.index("cid") == 1
    assert names[2] == "ring"
    heard = [told for told in far.told if isinstance(told, bytes)]
    bell = [sum(frame != SILENCE for frame in heard[at : at + 1]) for at in range(300)]
    ring = COUNTRIES[country].ring
    assert sum(bell[: round(ring[0] * 50)]) == round(ring[0] * 50)
    rest = slice(round(COUNTRIES[country].ring_seconds * 50) + 1, round(COUNTRIES[country].ring_period * 50))
    assert sum(bell[rest]) == 0


def test_country_that_nobody_knows() -> None:
    """It is named, with those that are known."""
    with pytest.raises(ServerError, match=r"'mars' is none of us, uk"):
        country_of("mars")


def test_telephone_that_is_behind_is_waited_for(line: TrunkLine) -> None:
    """The line's time stands still meanwhile: nothing is sent, no alarm rings."""
    far = FakeFar()
    line.call(far, "", "")
    line.answer()
    rung: list[bool] = []
    line.after(0.1, lambda: rung.append(True))
    far.behind = True
    ticks(line, 100)
    assert not rung
    assert not [told for told in far.told if isinstance(told, bytes)]
    far.behind = False
    ticks(line, 5)
    assert rung


def test_silence_is_taken_for_what_is_owed(line: TrunkLine) -> None:
    """Listeners get silence for frames that never came."""
    far, taker = FakeFar(), Taker()
    line.call(far, "", "")
    line.answer()
    line.listen(taker)
    far.silence_owed = [SILENCE] * 3
    ticks(line, 1)
    assert taker.taken == [SILENCE] * 3
    line.unlisten(taker)
    ticks(line, 1)
    assert len(taker.taken) == 3


def test_line_on_hook_is_deaf(line: TrunkLine) -> None:
    """Before the answer nothing comes in, neither voice nor keys."""
    taker = Taker()
    line.call(FakeFar(), "", "")
    line.listen(taker)
    line.incoming(b"\x20" * 160)
    line.pressed("1")
    line.flashed()
    ticks(line, 2)
    assert taker.taken == []


def test_seized_line_gives_dial_tone_and_a_dead_one_busy(line: TrunkLine) -> None:
    """What the exchange sends where there is no far end can be heard, and recorded."""
    taker = Taker()
    line.answer()
    line.listen(taker)
    ticks(line, 50)
    assert b"".join(taker.taken) == loop_of(COUNTRIES["us"].dial)
    line.hang_up()
    line.call(FakeFar(), "", "")
    line.answer()
    line.far_hung_up()
    taker.taken.clear()
    ticks(line, 50)
    assert b"".join(taker.taken) == loop_of(COUNTRIES["us"].busy)
    assert line.far_gone


def test_order_of_voice_and_signals(line: TrunkLine) -> None:
    """`played` stands right behind the last frame, and before what comes next."""
    far = FakeFar()
    line.call(far, "", "")
    line.answer()
    far.told.clear()
    ended: list[str] = []
    first = Playback(Sound("/x/one.au", b"\x01" * 320), line, lambda: ended.append("one"))
    first.start()
    ticks(line, 2)
    Playback(Sound("two.au", b"\x02" * 480), line, lambda: ended.append("two")).start()
    ticks(line, 1)
    Playback(Sound("three.au", b""), line, lambda: ended.append("three")).start()
    ticks(line, 1)
    one, two = b"\x01" * 160, b"\x02" * 160
    assert far.told == [
        *("playing one /x/one.au", one, one, "played one True"),
        *("playing two two.au", two, "played two False"),
        *("playing three three.au", "played three True", SILENCE),
    ]
    assert ended == ["one", "two", "three"]


def test_only_what_plays_is_stopped(line: TrunkLine) -> None:
    """Stopping what has ended leaves what follows alone."""
    far = FakeFar()
    line.call(far, "", "")
    line.answer()
    playback = Playback(Sound("one.au", b"\x01" * 160), line, lambda: None)
    playback.start()
    ticks(line, 1)
    line.say(Loop(b"\x05" * 200, lambda: None))
    line.stop(playback)
    ticks(line, 3)
    assert far.told[-3:] == [b"\x05" * 160] * 3


def test_tone_has_no_seam() -> None:
    """A loop that is no whole number of frames goes on as if it were endless."""
    codes = bytes(range(250)) + bytes(range(53))
    loop = Loop(codes, lambda: None)
    assert b"".join(loop.read() for _ in range(20)) == (codes * 12)[: 20 * 160]


def test_line_is_busy_until_it_is_on_hook(line: TrunkLine, signals: list[Signal]) -> None:
    """A second caller gets nowhere, and the state has a word for each moment."""
    states = [line.state]
    assert line.call(FakeFar(), "", "")
    states.append(line.state)
    assert not line.call(FakeFar(), "", "")
    line.answer()
    line.answer()
    states.append(line.state)
    line.far_hung_up()
    line.far_hung_up()
    states.append(line.state)
    assert not line.call(FakeFar(), "", "")
    line.hang_up()
    states.append(line.state)
    assert states == ["idle", "ringing", "connected", "ended", "idle"]
    assert [signal.name for signal in signals] == ["ring", "hangup"]


def test_loop_drops_where_nobody_hangs_up(line: TrunkLine, signals: list[Signal]) -> None:
    """Ten seconds after the far end has gone, once; not where the port went on hook before."""
    for hung_up in (True, False):
        line.call(FakeFar(), "", "")
        line.answer()
        line.far_hung_up()
        if hung_up:
            line.hang_up()
        ticks(line, 499)
        assert "loopdrop" not in [signal.name for signal in signals]
    ticks(line, 501)
    assert [signal.name for signal in signals] == ["ring", "hangup", "ring", "hangup", "loopdrop"]


def test_hanging_up_a_line_that_rings_does_nothing(line: TrunkLine) -> None:
    """A line on hook cannot refuse a call: it rings on."""
    far = FakeFar()
    line.call(far, "", "")
    line.hang_up()
    assert line.state == "ringing"
    assert "closed" not in far.told
    line.close()
    assert far.told[-2:] == ["ended closing", "closed"]


async def test_clock_catches_up_and_counts_what_was_late(monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop that was held up for 100 ms gets its five ticks after it, and some of them were late."""
    moments: list[float] = []
    loop = asyncio.get_running_loop()
    enough = asyncio.Event()

    def tick() -> None:
        moments.append(loop.time())
        if len(moments) == 3:
            held_until = loop.time() + 0.1  # the very thing that must not happen to a loop, for once on purpose
            while loop.time() < held_until:
                pass
        if len(moments) == 10:
            enough.set()

    clock = LineClock(tick)
    began = loop.time()
    running = asyncio.create_task(clock.run())
    await asyncio.wait_for(enough.wait(), 10)
    running.cancel()
    assert moments[9] - began >= 10 * 0.020 - 0.005
    assert moments[7] - moments[3] < 0.09
    assert 3 <= clock.late <= 7
    assert clock.lost == 0
