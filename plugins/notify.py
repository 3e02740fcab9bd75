"""Runs programs of yours for messages, calls and lines: to switch a lamp, to speak a caller's name in the kitchen.

Each is a list of arguments, in which ``{mailbox}`` and the like are filled in. No shell sees them, so that no caller's
name can do more than be a name.
"""

from __future__ import annotations

import asyncio
import os
import re
import shutil
import signal
from collections import deque
from contextlib import suppress
from functools import partial
from itertools import pairwise
from pathlib import PurePath
from string import Formatter
from typing import TYPE_CHECKING, Annotated
from weakref import WeakKeyDictionary

import msgspec
import structlog
from msgspec import Meta

from ctportd import INCOMING, OUTGOING, Problem, hookimpl, program_problem

if TYPE_CHECKING:
    from ctportd import Call, Daemon, Port, VoiceMessage

_OF_CALLS = ("call", "port", "number", "name", "verdict", "direction")
PLACEHOLDERS = {
    "message_waiting": ("mailbox", "new", "old"),
    "message_left": ("mailbox", "number", "name", "seconds", "file", "call"),
    "call_started": _OF_CALLS,
    "call_answered": _OF_CALLS,
    "call_ended": (*_OF_CALLS, "seconds", "reason"),
    "line_trouble": ("port", "problem"),
}
"""What may be filled in for each hook."""

_OF_ANYBODY = {"number", "name"}  # callers choose them
_INTERPRETER = re.compile(r"(?:ba|da|z|k|a|fi|c|tc)?sh|(?:python|perl|ruby|node|php|lua)[0-9.]*")
_SCRIPT = re.compile(r"-[A-Za-z]*[cer]")

MOST_WAITING = 1000
"""Programs that may wait for their turn; beyond them the oldest are left out (our figure)."""

MOST_OUTPUT = 4096
"""Bytes of a program's output that go into the log (our figure)."""

KILL_TIMEOUT = 1.0
"""Seconds in which a program that was killed is gone (our figure)."""

log = structlog.get_logger("notify")


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The table ``[plugins.notify]``.

    Attributes:
        message_waiting: What is run when a mailbox has more messages or fewer, and at the start.
        message_left: When a message is in a mailbox.
        call_started: When somebody calls.
        call_answered: When the call is answered.
        call_ended: When it is over.
        line_trouble: When something is wrong with a line, and, with an empty problem, when nothing is any more.
        timeout: Seconds that a program may take; then it is killed.
        at_once: How many programs may run at a time.
    """

    message_waiting: list[str] = []
    message_left: list[str] = []
    call_started: list[str] = []
    call_answered: list[str] = []
    call_ended: list[str] = []
    line_trouble: list[str] = []
    timeout: Annotated[float, Meta(gt=0)] = 10.0
    at_once: Annotated[int, Meta(ge=1)] = 4

    def __post_init__(self) -> None:
        """Refuse what could not be filled in, and what must not be run."""
        for hook, known in PLACEHOLDERS.items():
            program, *arguments = getattr(self, hook) or [""]
            if "{" in program:
                raise ValueError(f"{hook}: found {program!r}, expected a program that no call can choose")
            for argument in arguments:
                _check(hook, argument, known)
            _check_scripts(hook, [program, *arguments])
            problem = program_problem(program) if program else None
            if problem:
                raise ValueError(f"{hook}: {program} is not run as root: {problem}")


def _check(hook: str, argument: str, known: tuple[str, ...]) -> None:
    try:
        parts = list(Formatter().parse(argument))
    except ValueError as error:
        raise ValueError(f"{hook}: found {argument!r}, which cannot be filled in: {error}") from error
    for _, name, form, conversion in parts:
        if name is not None and (name not in known or form or conversion):
            expected = ", ".join(f"{{{each}}}" for each in known)
            raise ValueError(f"{hook}: found {argument!r}, expected of what can be filled in only {expected}")


def _check_scripts(hook: str, arguments: list[str]) -> None:
    """Refuse to fill a caller's words into what an interpreter takes for a script: the argument behind ``-c`` or so."""
    interpreter = False
    for argument, script in pairwise(arguments):
        interpreter = interpreter or bool(_INTERPRETER.fullmatch(PurePath(argument).name))
        filled_in = {name for _, name, _, _ in Formatter().parse(script)}
        if interpreter and _SCRIPT.fullmatch(argument) and filled_in & _OF_ANYBODY:
            raise ValueError(
                f"{hook}: found the script {script!r}, in which what a caller is called could be a command: "
                "let it take $1 or the like, and put that behind it as an argument"
            )


class _Job(msgspec.Struct, eq=False):
    """A program to run.

    Attributes:
        subject: What it is about: no two programs run for that at a time, and they run in order.
    """

    hook: str
    subject: str
    arguments: list[str]


class Programs:
    """Runs programs: so many at a time, the oldest first.

    Args:
        settings: How many, and for how long.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._waiting: deque[_Job] = deque()
        self._running: dict[str, asyncio.Task[None]] = {}

    def add(self, hook: str, subject: str, values: dict[str, str], *, replaces: bool = False) -> None:
        """Have a hook's program run, if there is one; ``replaces``: those that wait for the subject are needless."""
        arguments = [filled(argument, values) for argument in getattr(self._settings, hook)]
        if not arguments:
            return
        if replaces:
            self._waiting = deque(job for job in self._waiting if (job.hook, job.subject) != (hook, subject))
        if len(self._waiting) >= MOST_WAITING:
            lost = self._waiting.popleft()
            log.error("too many programs wait; one is left out", hook=lost.hook, arguments=lost.arguments)
        self._waiting.append(_Job(hook, subject, arguments))
        self._start()

    async def finish(self) -> None:
        """Wait until none runs, and none waits."""
        while self._running:
            await asyncio.wait(list(self._running.values()), return_when=asyncio.FIRST_COMPLETED)

    def _start(self) -> None:
        for job in list(self._waiting):
            if len(self._running) >= self._settings.at_once:
                return
            if job.subject not in self._running:
                self._waiting.remove(job)
                task = self._running[job.subject] = asyncio.create_task(self._run(job))
                task.add_done_callback(partial(self._ended, job.subject))

    def _ended(self, subject: str, task: asyncio.Task[None]) -> None:
        del self._running[subject]
        if task.cancelled():  # the daemon stops, or we are in quarantine
            self._waiting.clear()
        else:
            self._start()

    async def _run(self, job: _Job) -> None:
        told = log.bind(hook=job.hook, arguments=job.arguments)
        try:
            process = await asyncio.create_subprocess_exec(
                *job.arguments,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            told.error("a program cannot be run", error=error.strerror)
            return
        try:
            async with asyncio.timeout(self._settings.timeout):
                output = await _output_of(process)
                status = await process.wait()
        except TimeoutError:
            told.error("a program takes too long, and is killed", seconds=self._settings.timeout)
        else:
            (told.info if status == 0 else told.error)("a program has run", status=status, output=output)
        finally:
            if process.returncode is None:
                await _kill(process)


async def _kill(process: asyncio.subprocess.Process) -> None:
    """End a program with all that it has started, and do not wait for what got away from it."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    with suppress(TimeoutError):
        async with asyncio.timeout(KILL_TIMEOUT):
            await process.wait()


async def _output_of(process: asyncio.subprocess.Process) -> str:
    """What a program prints, up to a length; the rest is read and forgotten, so that it is not held up."""
    kept = b""
    if process.stdout is not None:
        while chunk := await process.stdout.read(MOST_OUTPUT):
            kept += chunk[: MOST_OUTPUT - len(kept)]
    return kept.decode("utf-8", "replace").strip()


def filled(argument: str, values: dict[str, str]) -> str:
    """An argument with its values. Whatever a caller is called, none is taken for an option, nor ends too early."""
    shown = {name: "".join(c if c.isprintable() else "?" for c in value) for name, value in values.items()}
    text = argument.format(**shown)
    return text if argument.startswith("-") else text.lstrip("-")


_programs: WeakKeyDictionary[Daemon, Programs] = WeakKeyDictionary()


def _of(daemon: Daemon, settings: Settings) -> Programs:
    if daemon not in _programs:
        _programs[daemon] = Programs(settings)
    return _programs[daemon]


def _facts(call: Call) -> dict[str, str]:
    return {
        "call": call.id,
        "port": call.port.address,
        "number": call.caller.number,
        "name": call.caller.name,
        "verdict": call.verdict.kind,
        "direction": OUTGOING if call.outgoing else INCOMING,
        "seconds": f"{call.spoke:.0f}",
        "reason": call.end_reason,
    }


@hookimpl
def call_started(call: Call, settings: Settings, daemon: Daemon) -> None:
    """Somebody calls."""
    _of(daemon, settings).add("call_started", call.id, _facts(call))


@hookimpl
def call_answered(call: Call, settings: Settings, daemon: Daemon) -> None:
    """The call is answered."""
    _of(daemon, settings).add("call_answered", call.id, _facts(call))


@hookimpl
def call_ended(call: Call, settings: Settings, daemon: Daemon) -> None:
    """The call is over."""
    _of(daemon, settings).add("call_ended", call.id, _facts(call))


@hookimpl
def message_left(message: VoiceMessage, settings: Settings, daemon: Daemon) -> None:
    """There is a message."""
    values = {
        "mailbox": message.mailbox,
        "number": message.number,
        "name": message.name,
        "seconds": f"{message.seconds:.0f}",
        "file": message.path,
        "call": message.call,
    }
    _of(daemon, settings).add("message_left", message.path, values)


@hookimpl
def message_waiting(mailbox: str, new: int, old: int, settings: Settings, daemon: Daemon) -> None:
    """A mailbox has more messages, or fewer: what was still to be told of it no longer counts."""
    values = {"mailbox": mailbox, "new": str(new), "old": str(old)}
    _of(daemon, settings).add("message_waiting", mailbox, values, replaces=True)


@hookimpl
def line_trouble(port: Port, problem: str, settings: Settings, daemon: Daemon) -> None:
    """A line is in trouble, or well again: only what is so now counts."""
    values = {"port": port.address, "problem": problem}
    _of(daemon, settings).add("line_trouble", port.address, values, replaces=True)


@hookimpl
async def daemon_stopping(settings: Settings, daemon: Daemon) -> None:
    """Let the last programs end."""
    await _of(daemon, settings).finish()


@hookimpl
def check_settings(settings: Settings) -> list[Problem]:
    """Tell of programs that are not there: they may come, so it is no mistake yet."""
    programs = {hook: getattr(settings, hook)[0] for hook in PLACEHOLDERS if getattr(settings, hook)}
    missing = {hook: program for hook, program in programs.items() if shutil.which(program) is None}
    return [
        Problem(
            f"[plugins.notify] {hook}", f"found {program!r}, which is no program that can be run", serious=False
        )
        for hook, program in missing.items()
    ]
