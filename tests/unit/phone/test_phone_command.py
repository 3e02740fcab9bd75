"""``ctportd phone`` as a whole, but for the command line: what it prints, saves and returns."""

from __future__ import annotations

import asyncio
import io
import json
import os
import signal
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import soundfile

from ctportd.ctserver import g711
from ctportd.phone.command import ANSWERED, FAILED, NOT_ANSWERED, USAGE, run_phone

if TYPE_CHECKING:
    from pathlib import Path

    from unit.phone.conftest import FakeExchange, FakeLine


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard input is no terminal, wherever the tests run."""
    monkeypatch.setattr("sys.stdin", io.StringIO())


class Run:
    """The command, running against the line of a fake exchange."""

    def __init__(self, exchange: FakeExchange, *steps: str, **options: Any) -> None:
        self.status = asyncio.create_task(run_phone(exchange.url, 1, steps=steps, **options))

    async def ended(self) -> int:
        """The exit status."""
        async with asyncio.timeout(5):
            return await self.status


async def started(exchange: FakeExchange, *steps: str, **options: Any) -> tuple[Run, FakeLine]:
    """A call that has been taken."""
    run = Run(exchange, *steps, **options)
    return run, await exchange.line()


async def test_a_scripted_call(exchange: FakeExchange, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """All steps are done at their places, and every happening is shown."""
    hello = tmp_path / "hello.wav"
    soundfile.write(hello, np.full(800, 4000, np.int16), 8000)
    words = ["until", "menu-main", "press", "1", "wait", "0.1", "say", str(hello), "until", "beep", "hangup"]
    run, line = await started(exchange, *words, number="5550100", name="Ada")
    await line.answer()
    await line.play("menu-main", 5)
    await line.frames(12)
    await line.play("beep", 2)
    await line.hears("hangup")
    assert await run.ended() == ANSWERED
    output = capsys.readouterr()
    assert [entry.split()[1] for entry in output.out.splitlines()] == [
        "calling",
        "ring",
        "answered",
        "hear",
        "press",
        "say",
        "hear",
        "ended",
    ]
    assert output.err == ""
    assert b"".join(line.voice).count(g711.encode(np.full(800, 4000, np.int16))) == 1


async def test_json(exchange: FakeExchange, capsys: pytest.CaptureFixture[str]) -> None:
    """The same as objects."""
    run, line = await started(exchange, "press", "*", as_json=True)
    await line.answer()
    await line.hears("press")
    await line.tell("ended", reason="hangup")
    assert await run.ended() == ANSWERED
    events = [json.loads(entry)["event"] for entry in capsys.readouterr().out.splitlines()]
    assert events == ["calling", "ring", "answered", "press", "ended"]


async def test_stays_until_the_line_hangs_up(exchange: FakeExchange) -> None:
    """Without steps, and after the last one, the phone does not hang up."""
    run, line = await started(exchange)
    await line.answer()
    await line.frames(50)
    assert not run.status.done()
    await line.tell("ended", reason="hangup")
    assert await run.ended() == ANSWERED


async def test_what_was_heard_is_saved(exchange: FakeExchange, tmp_path: Path) -> None:
    """All samples from the answer on, whole."""
    heard = tmp_path / "heard.wav"
    run, line = await started(exchange, save=heard)
    await line.answer(frames=5)
    await line.frames(2, b"\x21" * 160)
    await line.frames(1, b"\x55" * 160)
    await line.tell("ended", reason="hangup")
    assert await run.ended() == ANSWERED
    samples, rate = soundfile.read(heard, dtype="int16")
    assert rate == 8000
    assert soundfile.info(heard).subtype == "PCM_16"
    assert np.array_equal(samples, g711.decode(b"\x21" * 320 + b"\x55" * 160))


async def test_what_was_heard_is_saved_where_steps_fail(exchange: FakeExchange, tmp_path: Path) -> None:
    """Then it is wanted most."""
    heard = tmp_path / "heard.wav"
    run, line = await started(exchange, "until", "beep", save=heard)
    await line.answer()
    await line.frames(1)
    await line.tell("ended", reason="hangup")
    assert await run.ended() == FAILED
    assert soundfile.info(heard).frames == 160


async def test_steps_left_undone(exchange: FakeExchange, capsys: pytest.CaptureFixture[str]) -> None:
    """The line hung up first: the steps that were not done are named."""
    run, line = await started(exchange, "until", "menu-main", "press", "1", "until", "beep", "hangup")
    await line.answer()
    await line.play("menu-main")
    await line.frames(2)
    await line.tell("ended", reason="hangup")
    assert await run.ended() == FAILED
    error = capsys.readouterr().err
    assert error == (
        "ctportd phone: the line hung up before all steps were done; left undone: until beep, hangup\n"
    )


async def test_hanging_up_what_has_ended_is_a_step_undone(
    exchange: FakeExchange, capsys: pytest.CaptureFixture[str]
) -> None:
    """The script says who hangs up, and it was not so."""
    run, line = await started(exchange, "wait", "1", "hangup")
    await line.answer()
    await line.tell("ended", reason="hangup")
    assert await run.ended() == FAILED
    assert "left undone: wait 1, hangup" in capsys.readouterr().err


async def test_busy(exchange: FakeExchange, capsys: pytest.CaptureFixture[str]) -> None:
    """Nobody answers at a busy port, and the line for people says why."""
    run, line = await started(exchange, "press", "1")
    await line.tell("busy")
    await line.close()
    assert await run.ended() == NOT_ANSWERED
    output = capsys.readouterr()
    assert "the line is busy" in output.out
    assert output.err == ""


async def test_nobody_answers(exchange: FakeExchange) -> None:
    """The phone gives up after its rings."""
    run, line = await started(exchange, rings=1)
    await line.tell("ringing", count=1)
    await line.frames(295)
    await line.hears("hangup")
    assert await run.ended() == NOT_ANSWERED


async def test_a_caller_who_does_not_wait(exchange: FakeExchange) -> None:
    """Waits before a hangup run from the first ring, not from the first frame."""
    run, line = await started(exchange, "wait", "0.2", "hangup")
    await line.frames(20)
    await line.tell("ringing", count=1)
    await line.frames(9)
    assert not run.status.done()
    await line.frame()
    await line.hears("hangup")
    assert await run.ended() == NOT_ANSWERED


async def test_hangup_alone_rings_once(exchange: FakeExchange) -> None:
    """The line has rung when the caller thinks better of it."""
    run, line = await started(exchange, "hangup")
    await line.tell("ringing", count=1)
    await line.hears("hangup")
    assert await run.ended() == NOT_ANSWERED


async def test_a_wait_before_other_steps_runs_from_the_answer(exchange: FakeExchange) -> None:
    """Somebody who waits and presses waits in the call."""
    run, line = await started(exchange, "wait", "0.1", "press", "1")
    await line.answer(frames=20)
    await line.frames(10)
    assert line.pressed() in ([(25, "1")], [(26, "1")])
    await line.tell("ended", reason="hangup")
    assert await run.ended() == ANSWERED


async def test_no_exchange(capsys: pytest.CaptureFixture[str]) -> None:
    """One sentence that says how to start the daemon."""
    assert await run_phone("ws://127.0.0.1:1/phone", 1) == FAILED
    output = capsys.readouterr()
    assert output.out == ""
    assert output.err.count("\n") == 1
    assert "Start it with `ctportd`" in output.err


async def test_steps_that_make_no_sense(capsys: pytest.CaptureFixture[str]) -> None:
    """A usage error, before anything is dialled."""
    assert await run_phone("ws://127.0.0.1:1/phone", 1, steps=["press", "1w2"]) == USAGE
    assert "step 1, press" in capsys.readouterr().err


async def test_a_file_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """It is missed before anything is dialled."""
    missing = str(tmp_path / "none.wav")
    assert await run_phone("ws://127.0.0.1:1/phone", 1, steps=["say", missing]) == FAILED
    assert f"there is no file {missing}" in capsys.readouterr().err


async def test_a_folder_that_is_not_there(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    """What is heard could not be saved: said before the call, not after it."""
    assert await run_phone("ws://127.0.0.1:1/phone", 1, save=tmp_path / "none" / "heard.wav") == FAILED
    assert "no folder to write in" in capsys.readouterr().err


async def test_a_file_that_cannot_be_written(
    exchange: FakeExchange, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A folder stands where the file should: told, and no crash."""
    run, line = await started(exchange, save=tmp_path)
    await line.answer()
    await line.tell("ended", reason="hangup")
    assert await run.ended() == FAILED
    assert "cannot be saved" in capsys.readouterr().err


async def test_no_such_port(exchange: FakeExchange, capsys: pytest.CaptureFixture[str]) -> None:
    """The exchange's words reach standard error."""
    run, line = await started(exchange)
    await line.tell("error", message="there is no port 1")
    assert await run.ended() == FAILED
    assert "there is no port 1" in capsys.readouterr().err


async def test_the_exchange_dies(exchange: FakeExchange, capsys: pytest.CaptureFixture[str]) -> None:
    """A call that was cut off is no good call."""
    run, line = await started(exchange)
    await line.answer()
    await line.close()
    assert await run.ended() == FAILED
    assert "the connection to the exchange was lost" in capsys.readouterr().err


async def test_ctserver_stops_before_the_answer(exchange: FakeExchange) -> None:
    """Nobody could have answered: that is a failure, not a missed call."""
    run, line = await started(exchange)
    await line.tell("ringing", count=1)
    await line.tell("ended", reason="closing")
    assert await run.ended() == FAILED


async def test_ctserver_talks_nonsense(exchange: FakeExchange, capsys: pytest.CaptureFixture[str]) -> None:
    """The nonsense is shown."""
    run, line = await started(exchange)
    await line.tell_raw("<html>")
    assert await run.ended() == FAILED
    assert "<html>" in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("answered", [True, False])
async def test_a_signal_hangs_up(exchange: FakeExchange, number: signal.Signals, *, answered: bool) -> None:
    """Ctrl-C ends the call in good order; whether it was answered stays the result."""
    run, line = await started(exchange)
    await line.tell("ringing", count=1)
    await line.frames(1)
    if answered:
        await line.tell("answered")
        await line.frames(1)
    os.kill(os.getpid(), number)
    await line.hears("hangup")
    assert await run.ended() == (ANSWERED if answered else NOT_ANSWERED)
