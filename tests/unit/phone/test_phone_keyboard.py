"""The telephone in the hands of somebody at a terminal: a real one, made by openpty."""

from __future__ import annotations

import asyncio
import os
import termios
from typing import TYPE_CHECKING

import pytest

from ctportd.phone.command import ANSWERED, FAILED, NOT_ANSWERED, run_phone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from unit.phone.conftest import FakeExchange, FakeLine


class Terminal:
    """A person's end of the terminal whose other end is the command's standard input."""

    def __init__(self) -> None:
        self._person, self.terminal = os.openpty()
        self._is_open = True

    def type(self, keys: str) -> None:
        """Type."""
        os.write(self._person, keys.encode())

    def modes(self) -> list[object]:
        """How the terminal is set."""
        return termios.tcgetattr(self.terminal)

    def close_window(self) -> None:
        """Close the person's end."""
        if self._is_open:
            os.close(self._person)
        self._is_open = False


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    """A terminal that is standard input."""
    made = Terminal()
    with os.fdopen(made.terminal) as standard_input:
        monkeypatch.setattr("sys.stdin", standard_input)
        yield made
        made.close_window()


async def called(exchange: FakeExchange) -> tuple[asyncio.Task[int], FakeLine]:
    """The command, whose call rings, and which reads the keyboard."""
    run = asyncio.create_task(run_phone(exchange.url, 1))
    line = await exchange.line()
    await line.tell("ringing", count=1)
    await line.frames(1)
    return run, line


async def test_keys_are_pressed_at_once(
    exchange: FakeExchange, terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    """No Enter is needed, other keys and arrows mean nothing, and the terminal is as before in the end."""
    before = terminal.modes()
    run, line = await called(exchange)
    assert terminal.modes() != before
    await line.tell("answered")
    terminal.type("1\x1b[A*z\n b?")
    for key in "1*B":
        while not any(said.get("key") == key for _, said in line.said):
            await line.frames(1)
    terminal.type("h")
    await line.hears("hangup")
    assert await run == ANSWERED
    assert [key for _, key in line.pressed()] == ["1", "*", "B"]
    assert terminal.modes() == before
    output = capsys.readouterr().out
    assert output.count("0-9 * # A-D are pressed at once") == 2
    assert [entry.split()[1:] for entry in output.splitlines() if "press" in entry.split()] == [
        ["press", "1"],
        ["press", "*"],
        ["press", "B"],
    ]


@pytest.mark.parametrize("key", ["h", "q", "\x03", "\x04"])
async def test_hanging_up_before_the_answer(exchange: FakeExchange, terminal: Terminal, key: str) -> None:
    """h, q, Ctrl-C and Ctrl-D hang up while it rings; nobody has answered then."""
    run, line = await called(exchange)
    terminal.type(key)
    await line.hears("hangup")
    assert await run == NOT_ANSWERED


async def test_a_key_while_it_rings(
    exchange: FakeExchange, terminal: Terminal, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nobody hears it yet, and the person is told so."""
    run, line = await called(exchange)
    terminal.type("5h")
    await line.hears("hangup")
    assert await run == NOT_ANSWERED
    assert line.pressed() == []
    assert "not answered yet" in capsys.readouterr().out


async def test_the_line_hangs_up(exchange: FakeExchange, terminal: Terminal) -> None:
    """The command ends by itself, and gives the terminal back."""
    before = terminal.modes()
    run, line = await called(exchange)
    await line.tell("answered")
    await line.tell("ended", reason="hangup")
    assert await run == ANSWERED
    assert terminal.modes() == before


async def test_keys_that_come_too_late(exchange: FakeExchange, terminal: Terminal) -> None:
    """What was typed faster than a line takes it is no error when the line hangs up."""
    run, line = await called(exchange)
    await line.tell("answered")
    terminal.type("123")
    await line.hears("press")
    await line.tell("ended", reason="hangup")
    assert await run == ANSWERED


async def test_the_window_is_closed(exchange: FakeExchange, terminal: Terminal) -> None:
    """A terminal that goes away hangs up."""
    run, line = await called(exchange)
    terminal.close_window()
    await line.hears("hangup")
    assert await run == NOT_ANSWERED


async def test_the_exchange_dies(exchange: FakeExchange, terminal: Terminal) -> None:
    """The terminal is given back then too."""
    before = terminal.modes()
    run, line = await called(exchange)
    await line.close()
    assert await run == FAILED
    assert terminal.modes() == before


async def test_the_exchange_talks_nonsense(exchange: FakeExchange, terminal: Terminal) -> None:
    """A failure that is no end of a call does not leave the person waiting for a key."""
    run, line = await called(exchange)
    await line.tell_raw("<html>")
    async with asyncio.timeout(5):
        assert await run == FAILED
