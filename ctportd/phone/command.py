"""``ctportd phone``, behind the command line: one call from dialling to its exit status."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

from ctportd.errors import AudioError, CtportdError, PhoneError
from ctportd.phone import sound
from ctportd.phone.client import Phone
from ctportd.phone.dialogue import converse
from ctportd.phone.keyboard import Keyboard
from ctportd.phone.prompts import texts
from ctportd.phone.screen import screen_for
from ctportd.phone.script import Script
from ctportd.phone.steps import StepError, parse_steps

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from ctportd.phone.screen import Screen

ANSWERED = 0
"""The call was answered, all steps were done, and it ended, whoever ended it."""

FAILED = 1
"""Anything else, told in a sentence on standard error: no exchange, no such port, steps left undone, ..."""

NOT_ANSWERED = 2
"""Nobody answered: busy, or the phone hung up before."""

USAGE = os.EX_USAGE
"""The steps make no sense."""


async def run_phone(
    url: str,
    port: int,
    *,
    number: str = "",
    name: str = "",
    save: Path | None = None,
    as_json: bool = False,
    steps: Sequence[str] = (),
    rings: int = 10,
) -> int:
    """Call a port of the exchange at ``url``; return the command's exit status.

    ``steps`` are the words of the command line. Without any, the keyboard is the telephone's where standard
    input is a terminal; else the phone stays on the line until the call is over.
    """
    try:
        script = Script(parse_steps(steps))
        await script.prepare()
        await asyncio.to_thread(_check_folder, save)
        await asyncio.to_thread(texts)  # the screen will want them while frames come
        keyboard = Keyboard(sys.stdin.fileno()) if not steps and sys.stdin.isatty() else None
        screen = screen_for(sys.stdout, as_json=as_json)
        async with await Phone.dial(url, port, number=number, name=name, rings=rings, listen=screen.show) as phone:
            try:
                return await _talk(phone, script, keyboard, screen)
            finally:
                if save and phone.was_answered:
                    await sound.save(save, phone.heard)
    except StepError as problem:
        return _fail(problem, USAGE)
    except CtportdError as problem:
        return _fail(problem, FAILED)


def _fail(problem: CtportdError, status: int) -> int:
    sys.stderr.write(f"ctportd phone: {problem}\n")
    return status


def _check_folder(save: Path | None) -> None:
    """Find out before the call, not after it, that what is heard cannot be saved."""
    if save and not os.access(save.parent, os.W_OK):
        raise AudioError(f"what is heard cannot be saved in {save}: {save.parent} is no folder to write in")


async def _talk(phone: Phone, script: Script, keyboard: Keyboard | None, screen: Screen) -> int:
    with _hanging_up_on_signals(phone):
        try:
            if keyboard:
                with keyboard:
                    await converse(phone, keyboard, screen.note)
            else:
                await script.run(phone)
        except PhoneError:
            if not phone.end:
                raise
        return _status(phone, script)


@contextmanager
def _hanging_up_on_signals(phone: Phone) -> Iterator[None]:
    """Let Ctrl-C and the like end the call, and the end of the call the command."""
    loop = asyncio.get_running_loop()
    hangups = []
    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for number in signals:
        loop.add_signal_handler(number, lambda: hangups.append(loop.create_task(phone.hangup())))
    try:
        yield
    finally:
        for number in signals:
            loop.remove_signal_handler(number)


def _status(phone: Phone, script: Script) -> int:
    """The exit status of a call that is over.

    Raises:
        PhoneError: It was no good call; the message says why.
    """
    end = phone.end
    if end is None or end.reason in {"refused", "lost"} or (end.reason == "closing" and not phone.was_answered):
        raise PhoneError(end.sentence if end else "the call goes on")
    if not phone.was_answered:
        return NOT_ANSWERED
    if script.left:
        undone = ", ".join(str(step) for step in script.left)
        raise PhoneError(f"{end.sentence} before all steps were done; left undone: {undone}")
    return ANSWERED
