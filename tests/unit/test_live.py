"""The live view: what is kept, what is seen of it, and how it is drawn."""

from __future__ import annotations

import asyncio
import gzip
import io
import json
import os
import threading
from contextlib import aclosing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from rich.console import Console

from ctportd.errors import InvalidArgument
from ctportd.hooks import specs
from ctportd.live.events import KEY, LOST, TYPES, LiveEvent
from ctportd.live.filters import EventFilter, LineFilter
from ctportd.live.hub import Hub
from ctportd.live.past import last_lines
from ctportd.live.ring import Ring
from ctportd.live.telling import HOOKS
from ctportd.showing.picture import Picture, compared, lasted
from ctportd.showing.top import screen
from ctportd.showing.watching import event_line, log_line
from ctportd.status import CallStatus, CtserverStatus, PluginStatus, PortStatus, Status
from ctportd.wire.events import EVENT_TYPES

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


# -- the ring


async def test_reader_has_all_in_order() -> None:
    """What was told before it came is left out; all that comes is there once."""
    ring: Ring[int] = Ring(10)
    ring.add(0)
    async with aclosing(ring.follow()) as reading:
        coming = asyncio.ensure_future(anext(reading))
        await asyncio.sleep(0)
        ring.add(1)
        ring.add(2)
        batch = await coming
    assert (batch.lost, [item for _, item in batch.items]) == (0, [1, 2])
    assert not ring.reading


async def test_slow_reader_is_told_how_many_are_gone() -> None:
    """It goes on with the oldest that is there."""
    ring: Ring[int] = Ring(3)
    ring.add(0)
    since = ring.here
    for number in range(1, 9):
        ring.add(number)
    async with aclosing(ring.follow(since)) as reading:
        batch = await anext(reading)
    assert (batch.lost, [item for _, item in batch.items]) == (5, [6, 7, 8])


@pytest.mark.parametrize("since", ["other-3", "nonsense", "-", "x-\u00b2", f"x-{'9' * 5000}"])
async def test_id_of_another_run(since: str) -> None:
    """Nobody knows how much is gone; all that there is is told."""
    ring: Ring[int] = Ring(3)
    ring.add(7)
    async with aclosing(ring.follow(since)) as reading:
        batch = await anext(reading)
    assert (batch.lost, [item for _, item in batch.items]) == (None, [7])


async def test_who_comes_back_misses_nothing() -> None:
    """The id of what was seen last is enough."""
    ring: Ring[int] = Ring(10)
    for number in range(5):
        ring.add(number)
    (seen, _), *_ = ring.last(3)
    async with aclosing(ring.follow(seen)) as reading:
        batch = await anext(reading)
    assert (batch.lost, [item for _, item in batch.items]) == (0, [3, 4])


async def test_other_threads_may_tell() -> None:
    """A reader is woken by them."""
    ring: Ring[int] = Ring(10)
    async with aclosing(ring.follow()) as reading:
        coming = asyncio.ensure_future(anext(reading))
        await asyncio.sleep(0)
        thread = threading.Thread(target=ring.add, args=(1,))
        thread.start()
        async with asyncio.timeout(10):
            assert [item for _, item in (await coming).items] == [1]
        thread.join()


# -- the hub


async def test_nobody_is_told_while_nobody_follows() -> None:
    """Who tells is asked for it when the first comes, once for all of them."""
    asked: list[bool] = []
    hub = Hub(lambda listener: asked.append(listener is not None), lambda _port: None, lambda: NOON)
    with hub.following(), hub.following():
        assert asked == [True]
    with hub.following():  # within the minute
        assert asked == [True]


async def test_event_that_cannot_be_told_harms_nobody() -> None:
    """Whoever tells has a call in its hands."""
    listeners: list[Any] = []
    hub = Hub(listeners.append, lambda _port: None, lambda: NOON)
    with hub.following() as ring:
        listeners[0]("call_started", {"call": object()})
        listeners[0]("no_event", {})
        listeners[0]("phase", {"phase": "ready"})
    assert [event.type for _, event in ring.last(10)] == ["phase"]


def test_every_type_is_described() -> None:
    """What is told has a type that is known, and each hook that observers are told of is one, or known not to be."""
    renamed = {"dtmf": KEY, "cid": "caller_id"}
    wire = {renamed.get(name, name) for name in EVENT_TYPES}
    assert set(TYPES) == {*HOOKS, *wire, "user_message", LOST}
    observers = {name for name in vars(specs) if "Observer" in (getattr(specs, name).__doc__ or "")[:12]}
    assert observers - set(TYPES) == {"port_event", "daemon_started", "daemon_stopping", "plugin_retiring"}


def test_document_has_every_type() -> None:
    """As they are in the code, word for word."""
    rows = [
        f"| `{t.name}` | {t.what} | {', '.join(t.about)} | {'; '.join(f'`{k}`: {v}' for k, v in t.details.items())} |"
        for t in TYPES.values()
    ]
    text = (Path(__file__).parent.parent.parent / "docs" / "watching.md").read_text()
    assert "\n".join(rows) in text


# -- filters

PRESSED = LiveEvent(NOON, KEY, "main:2", "20261124-1", details={"key": "5"})


@pytest.mark.parametrize(
    ("wanted", "seen"),
    [
        (EventFilter(), True),
        (EventFilter(port="main:2", call="2026", type="call_*, key"), True),
        (EventFilter(port="2"), True),
        (EventFilter(port="1"), False),
        (EventFilter(call="2025"), False),
        (EventFilter(type="call_*"), False),
    ],
)
def test_events_that_are_meant(wanted: EventFilter, *, seen: bool) -> None:
    """All that is given must hold; whoever is told what was lost is told in any case."""
    assert (wanted.seen(PRESSED) is not None) == seen
    assert wanted.seen(LiveEvent(NOON, LOST)) is not None


def test_keys_are_masked_unless_asked_for() -> None:
    """A PIN may be among them."""
    masked = EventFilter().seen(PRESSED)
    assert masked is not None
    assert masked.details == {"key": "?"}
    assert EventFilter(keys=True).seen(PRESSED) is PRESSED


def test_type_that_there_is_not() -> None:
    """It is refused with the nearest one."""
    with pytest.raises(InvalidArgument, match="did you mean 'call_ended'"):
        EventFilter(type="ring,call_endet").check()


@pytest.mark.parametrize(
    ("wanted", "taken"),
    [
        (LineFilter(), True),
        (LineFilter("warning", "2", "2026", "voicemail"), True),
        (LineFilter("error"), False),
        (LineFilter(port="main:1"), False),
        (LineFilter(plugin="mqtt"), False),
    ],
)
def test_lines_that_are_meant(wanted: LineFilter, *, taken: bool) -> None:
    """By level and above, and by what is on the line."""
    line = b'{"level":"warning","event":"x","port":"main:2","call":"20261124-1","plugin":"voicemail"}'
    assert wanted.takes(line) == taken
    assert wanted.takes(b"no JSON") == (wanted == LineFilter())


# -- the log's past


def test_last_lines_of_files_that_were_rolled(tmp_path: Path) -> None:
    """Newest files first, packed or not; a line that is being written is left out."""

    def lines(*numbers: int) -> bytes:
        return b"".join(b'{"level":"%b","event":"%d"}\n' % (b"info" if n % 2 else b"error", n) for n in numbers)

    log = tmp_path / "x.log"
    log.write_bytes(lines(7, 8) + b'{"level":"err')
    (tmp_path / "x.log.2").write_bytes(lines(4, 5, 6))
    with gzip.open(tmp_path / "x.log.1.gz", "wb") as packed:
        packed.write(lines(1, 2, 3))
    for age, name in enumerate(("x.log.2", "x.log.1.gz"), 1):
        os.utime(tmp_path / name, (1000 - age, 1000 - age))

    def told(number: int, wanted: LineFilter) -> list[int]:
        return [int(json.loads(line)["event"]) for line in last_lines(log, number, wanted)]

    assert told(1, LineFilter()) == [8]
    assert told(4, LineFilter()) == [5, 6, 7, 8]
    assert told(100, LineFilter()) == [1, 2, 3, 4, 5, 6, 7, 8]
    assert told(3, LineFilter("error")) == [4, 6, 8]


def test_last_lines_while_an_old_file_is_packed(tmp_path: Path) -> None:
    """Each line is told once, and none that is no line; what is damaged hides nothing else. Names are no patterns."""
    log = tmp_path / "x[1].log"
    packed = gzip.compress(b"three\n")
    for age, (name, content) in enumerate(
        {
            "": b"four\n",
            ".3": b"three\n",
            ".3.gz": packed,
            ".3.gz.part": packed[:15] + b"\n",
            ".2.gz": gzip.compress(b"two\n" * 9)[:-9],
            ".1.gz": b"nothing packed\n",
            ".0": b"one\n",
        }.items()
    ):
        path = tmp_path / f"{log.name}{name}"
        path.write_bytes(content)
        os.utime(path, (1000 - age, 1000 - age))
    told = last_lines(log, 100, LineFilter())
    assert (told[0], told[-2:]) == (b"one", [b"three", b"four"])
    assert set(told) <= {b"one", b"two", b"three", b"four"}


# -- what is drawn


def drawn(told: Any, width: int = 80) -> str:
    """As on a terminal without colours."""
    out = io.StringIO()
    Console(file=out, width=width, highlight=False, markup=False, emoji=False).print(told)
    return out.getvalue()


def test_event_in_one_line() -> None:
    """When, where, what, and what is known; nothing in it steers the terminal."""
    event = LiveEvent(NOON, "call_started", "main:1", "c-1", details={"number": "555", "name": "A\x1b[2Jda"})
    line = event_line(event).plain
    assert line.endswith("main:1    call_started         555, A\N{REPLACEMENT CHARACTER}[2Jda  c-1")
    assert event_line(PRESSED).plain.split()[2:4] == ["key", "5"]


def test_line_of_the_log() -> None:
    """A traceback follows in lines of its own; what cannot be read is shown as it is."""
    line = {"timestamp": "x", "level": "error", "event": "bad\x9b", "port": "main:1", "exception": "one\ntwo\x1b"}
    assert log_line(line).plain == "x  error     bad\ufffd  port=main:1\n    one\n    two\ufffd"


def status(ports: int, plugins: int = 3) -> Status:
    """A daemon with so many ports, of which every tenth has a call."""
    call = CallStatus("c", "answered", NOON, "5550100", "Ada\x1b[31m", "voicemail:100", NOON)
    return Status(
        state="ready",
        pid=1,
        version="1.0",
        started_at=NOON - timedelta(days=3, hours=4),
        config="x.toml",
        ctserver=[CtserverStatus("main", "virtual", 2, "1.0", 1)],
        ports=[
            PortStatus(f"main:{n}", n, "", "trunk", "idle" if n % 10 else "answered", ["voicemail"], 0,
                       None if n % 10 else call, events=10 * n, calls_last_hour=1)
            for n in range(1, ports + 1)
        ],
        plugins=[PluginStatus(f"p{n}", "loaded", [], called=n) for n in range(plugins)],
        cpu=1.0,
    )  # fmt: skip


@pytest.mark.parametrize(("width", "height"), [(80, 24), (60, 14), (120, 40), (200, 100), (20, 9)])
@pytest.mark.parametrize(("ports", "plugins"), [(1, 0), (4, 8), (100, 20)])
def test_screen_fits(width: int, height: int, ports: int, plugins: int) -> None:
    """In any terminal, with the busy ports first; nothing of a stranger's steers it."""
    warnings = [{"level": "warning", "event": f"warning {n}"} for n in range(20)]
    text = drawn(screen(Picture(status(ports, plugins), lines=warnings), NOON, height), width)
    rows = text.splitlines()
    assert all(len(row) <= width for row in rows)
    assert "\x1b" not in text
    if height >= 14:
        assert len(rows) <= height
    if height >= 24:
        assert "main:10" in text or ports < 10
        assert any("more ports" in row for row in rows) == (ports == 100 and height < 120)


def test_screen_tells_what_is_wrong() -> None:
    """A daemon that is gone, a line that is dead, a plugin that was taken out: each is seen at once."""
    told = status(30)
    dead = msgspec.structs.replace(told.ports[28], state="no dial tone")
    out = PluginStatus("zz", "quarantined", [], faults=3, last_fault="call_ended: ZeroDivisionError")
    told = msgspec.structs.replace(told, ports=[*told.ports[:28], dead], plugins=[*told.plugins, out])
    rows = drawn(screen(Picture(told, problem="no ctportd answers"), NOON, 24), 100).splitlines()
    assert "not reached: no ctportd answers" in rows[2]
    assert "no dial tone" in rows[5]
    assert "quarantined" in next(row for row in rows if row.startswith("zz"))


def test_how_fast_things_go() -> None:
    """Between two looks at one daemon; another one begins anew."""
    before, now = status(2), msgspec.structs.replace(status(2), cpu=1.5)
    later = [msgspec.structs.replace(port, events=port.events + 4) for port in now.ports]
    picture = compared(msgspec.structs.replace(now, ports=later), before, 2.0, [])
    assert picture.events == {"main:1": 2.0, "main:2": 2.0}
    assert (picture.load, picture.called["p2"]) == (0.25, 0.0)
    assert compared(msgspec.structs.replace(now, pid=2), before, 2.0, []).events == {}


@pytest.mark.parametrize(
    ("seconds", "told"), [(-5, "0:00"), (42, "0:42"), (3723, "1:02:03"), (3 * 86400 + 4 * 3600 + 60, "3d 04:01")]
)
def test_how_long_something_has_lasted(seconds: int, told: str) -> None:
    """In the words that fit into a column."""
    assert lasted(NOON - timedelta(seconds=seconds), NOON) == told
