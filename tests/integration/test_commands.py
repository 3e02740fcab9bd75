"""Every command as a process against one running daemon: exit status, what people read, and what programs read."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shlex
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import pytest
import pytest_asyncio
from support.system import Finished, System, environment, run_ctportd, tick

from ctportd.cli.shared import EXIT_CODES
from ctportd.control.client import ControlClient
from ctportd.phone.client import Phone
from scripts.commands import PAGE, commands, example_of, reference

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    import click

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.xdist_group("commands")]

TREE: dict[str, click.Command] = {" ".join(names): command for names, command in commands()}
RUN = {name for name, command in TREE.items() if getattr(command, "invoke_without_command", True)}

DATE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"


class Case(NamedTuple):
    """A command line; what of its standard output, or standard error where it fails, and its exit status are."""

    line: str
    told: str
    status: int = 0
    json: bool = False


CASES = {
    "check": Case("ctportd check", r"^etc/ctportd.toml: good: 3 ports, \d+ plugins"),
    "explain": Case("ctportd explain --port 2 --number 5550100 --json", r'"number": "5550100"', json=True),
    "config": Case(example_of(TREE["config"]), r"^\[daemon\]$"),
    "pin": Case("ctportd pin --pin 4711", r"^\S{20,}$"),
    "plugins new": Case(example_of(TREE["plugins new"]), r"^wrote plugins/night_bell.py"),
    "plugins": Case(example_of(TREE["plugins"]), r"^voicemail +\S+"),
    "plugins disable": Case(example_of(TREE["plugins disable"]), "notify"),
    "plugins enable": Case(example_of(TREE["plugins enable"]), "notify"),
    "plugins reload": Case(example_of(TREE["plugins reload"]), "voicemail"),
    "reload": Case(example_of(TREE["reload"]), r"^ctportd: "),
    "init": Case(example_of(TREE["init"]), r"^ctportd: ", status=1),
    "completion": Case(example_of(TREE["completion"]), r"complete .*ctportd$"),
    "status": Case("ctportd status --json", r'"draining": false', json=True),
    "rotate": Case(example_of(TREE["rotate"]), r"^ctserver main: rolled$"),
    "request": Case(example_of(TREE["request"]), r'^{"status":"OK"', json=True),
    "ctserver": Case(example_of(TREE["ctserver"]), r"^ctportd.*: ", status=1),
    "phone": Case("ctportd phone 2 --number 5550100 until beep wait 6 hangup", r"answered"),
    "top": Case("ctportd top --json", r"^\{", json=True),
    "logs": Case("ctportd logs --lines 1 --json", r"^\{", json=True),
    "calls": Case("ctportd calls", rf"^{DATE}  main:2 +(in +)?5550100"),
    "calls show": Case(example_of(TREE["calls show"]), rf"^call \S+ on main:2, {DATE}, from 5550100"),
    "messages": Case("ctportd messages --json", r'"mailbox"', json=True),
    "messages delete": Case("ctportd messages delete 1", "^ctportd: message 1 is in Trash$"),
    "messages restore": Case("ctportd messages restore 1", "^ctportd: message 1 is in INBOX$"),
    "messages move": Case("ctportd messages move Work 1", "^ctportd: message 1 is in Work$"),
    "messages purge": Case("ctportd messages purge 1", "^ctportd: message 1 is gone$"),
    "outbox": Case(example_of(TREE["outbox"]), r"^No letter waits.$"),
    "mail": Case(example_of(TREE["mail"]), r"^ctportd: no mail server is set", status=1),
    "events": Case("ctportd events --json", r"^\{", json=True),
    "drain": Case("ctportd drain 3 --json", r'"main:3"', json=True),
    "call": Case(example_of(TREE["call"]), r"^ctportd: busy$", status=2),
    "hangup": Case(example_of(TREE["hangup"]), r"^ctportd: ended call \S+ with 5550142 on main:1"),
    "stop": Case(example_of(TREE["stop"]), r"^ctportd: stopped$"),
}
"""One for each command; those that need what an earlier one has left come after it."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def system(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[System]:
    """One daemon for all: nobody answers the first line, voicemail the second; the third has a set."""
    folder = tmp_path_factory.mktemp("commands")
    running = System(folder, [[], ["voicemail"], []])
    running.config["port"][2]["kind"] = "station"
    (folder / "etc").mkdir()
    (folder / "etc" / "ctportd.toml").symlink_to("../ctportd.toml")
    await running.start()
    yield running
    try:
        await running.stop()
    finally:
        await running.kill()


async def run(system: System, line: str) -> Any:
    """Run a command line as it stands."""
    return await run_ctportd(system.folder, *shlex.split(line)[1:])


async def test_every_command_has_a_case() -> None:
    """No command is forgotten, and each has an example that click can read."""
    assert set(CASES) == RUN
    for name, command in TREE.items():
        words = shlex.split(example_of(command))
        assert words[0] == "ctportd", name
        del words[: 3 if "--config" in words else 1]
        found = TREE[name.partition(" ")[0]]
        for word in name.split()[1:]:
            words.pop(0)
            found = found.commands[word]  # type: ignore[attr-defined]
        if name in RUN:
            found.make_context(name, words[1:], resilient_parsing=False).close()


async def test_reference_is_made_from_the_commands() -> None:
    """docs/commands.md is what the script writes."""
    assert await asyncio.to_thread(PAGE.read_text) == reference(), "run: python scripts/commands.py"


async def test_exit_statuses_have_names() -> None:
    """No command leaves with a number that the table of exit statuses does not have."""
    folder = Path(__file__).parents[2] / "ctportd" / "cli"
    texts = await asyncio.to_thread(lambda: [path.read_text() for path in folder.glob("*.py")])
    numbers = {int(number) for text in texts for number in re.findall(r"(?:sys\.exit|ctx\.exit)\((\d+)\)", text)}
    assert numbers <= set(EXIT_CODES)


async def test_call_is_followed(system: System) -> None:
    """Each step is a line, for people and for programs; the status tells what has become of it; Ctrl-C hangs up."""
    told = [
        "calling 2 on main:1",
        r"answered after \d+ s",
        "the call is over: finished; ctportd calls show .*",
    ]
    finished = await run(system, "ctportd call main:1 2 --play hello")  # the second line, whose voicemail answers
    assert finished.status == 0, finished
    lines = [line.removeprefix("ctportd: ") for line in finished.out.splitlines() if "rings" not in line]
    assert [bool(re.fullmatch(one, line)) for one, line in zip(told, lines, strict=True)] == [True] * 3
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "ctportd", "call", "1", "2", "--json", "--plugin", "voicemail", cwd=system.folder,
        env=environment(), stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    steps = [json.loads(await process.stdout.readline())["what"]]
    process.send_signal(signal.SIGINT)
    out, _ = await process.communicate()
    steps += [json.loads(line)["what"] for line in out.splitlines()]
    assert (steps, process.returncode) == (["dialling", "failed", "ended"], 1)
    refused = await run(system, "ctportd call 1")
    assert (refused.status, refused.out) == (1, "")
    assert refused.err.endswith("say what to dial\n")


async def test_drain_waits_for_calls(system: System) -> None:
    """It tells how many are left; when its time is up it says so, and what to do; it ends with the last call."""
    async with await Phone.dial(system.exchange_url, 1, number="5550143", rings=None):
        await system.logged("call", caller="5550143")
        late = await run(system, "ctportd drain 1 --within 0.2")
        assert late.status == 1
        assert re.search("still calls on main:1; ctportd hangup PORT ends one", late.err), late
        waiting = asyncio.create_task(run(system, "ctportd drain 1"))
        control = ControlClient(system.state / "ctportd.sock")
        await asyncio.sleep(0.5)
        await control.hang_up("1")
        drained = await waiting
    assert (drained.status, drained.out) == (
        0,
        "ctportd: no new calls on main:1; none is left; ctportd drain --off 1 takes them again\n",
    )
    again = await run(system, "ctportd drain --off 1")
    assert (again.status, again.out) == (0, "ctportd: takes calls again on 1\n")


async def _message_left(system: System) -> None:
    """A call from 5550100 has left a message, whichever case comes first; it is logged and filed after the line."""
    if not any(call.number == "5550100" for call in await system.calls()):
        await run(system, CASES["phone"].line)
    await system.call_record("5550100")
    async with asyncio.timeout(30):
        while not await system.messages():
            await tick()


async def _first_event(system: System) -> Finished:
    """The first line of ``ctportd events`` in a pipe whose reader has then seen enough."""
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", 'set -o pipefail; "$0" -m ctportd events --json --type "call_*" | head -n 1', sys.executable,
        cwd=system.folder, env=environment(), stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    reading = asyncio.create_task(process.communicate())
    async with asyncio.timeout(30):
        while not reading.done():  # the second event finds the pipe shut
            async with await Phone.dial(system.exchange_url, 1, number="5550144", rings=None):
                await asyncio.wait([reading], timeout=0.3)
    out, err = await reading
    assert process.returncode is not None
    return Finished(process.returncode, out.decode(), err.decode())


@pytest.mark.parametrize("name", CASES)
async def test_command(system: System, name: str) -> None:
    """It does what it says, says so, and ends with the status that is documented."""
    case = CASES[name]
    phone = None
    if name in ("call", "hangup"):
        await system.idle(1)  # the last call may be put down still
    if name == "hangup":
        phone = await Phone.dial(system.exchange_url, 1, number="5550142", rings=None)
        await system.logged("call", caller="5550142")
    if name in ("calls", "calls show", "messages"):
        await _message_left(system)
    finished = await (_first_event(system) if name == "events" else run(system, case.line))
    if phone is not None:
        await phone.close()
    assert finished.status == case.status, finished
    told = finished.err if case.status == 1 else finished.out
    assert re.search(case.told, told, re.MULTILINE), finished
    assert "\x1b" not in finished.out + finished.err
    assert "Traceback" not in finished.err
    if case.json:
        json.loads(finished.out)


async def test_bash_completes(tmp_path: Path) -> None:
    """In a real bash: commands, ports and handlers; a word comes before its reader loses patience."""
    (tmp_path / "etc").mkdir()
    text = '[[port]]\nnumber = 1\nhandlers = ["voicemail:100"]\n[[port]]\nnumber = 2\n'
    await asyncio.to_thread((tmp_path / "etc" / "ctportd.toml").write_text, text)
    asked = """
eval "$(ctportd completion bash)"
ask() { COMPREPLY=(); COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _ctportd_completion ctportd; echo "${COMPREPLY[@]}"; }
ask ctportd hangup ""
ask ctportd call 1 555 --plugin voicem
"""
    binaries = str(Path(sys.executable).parent)
    began = time.monotonic()
    process = await asyncio.create_subprocess_exec(
        "bash", "--norc", "-c", asked, cwd=tmp_path, stdout=asyncio.subprocess.PIPE,
        env={**environment(), "PATH": f"{binaries}{os.pathsep}{os.environ['PATH']}"},
    )  # fmt: skip
    out, _ = await process.communicate()
    assert out.decode().splitlines() == ["1 2", "voicemail:100"]
    assert time.monotonic() - began < 20
