"""The command line: exit statuses, sentences, help, and tables that show what was stored and nothing else."""

from __future__ import annotations

import asyncio
import io
import json
import os
import re
import resource
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
import pytest
from click.testing import CliRunner

from ctportd import display
from ctportd.cli import program
from ctportd.cli.shared import EXIT_CONFIG, EXIT_FAILED
from ctportd.errors import ControlError
from ctportd.phone.happenings import Calling
from ctportd.phone.screen import JsonScreen
from ctportd.pins.hashing import matches
from ctportd.records import CallRecord, VoiceMessage
from ctportd.showing import tables
from ctportd.status import CallStatus, CtserverStatus, MailStatus, PluginStatus, PortStatus, Rotated, Status
from ctportd.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

ANSWERS = "from ctportd import hookimpl\n\n@hookimpl\ndef answer_call(call): ...\n"

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)

EVIL = "[red]x[/] [/nothing] :smiley: \x1b[2J\x1b]0;owned\x07"
"""A caller's name that would be drawn, refused, replaced or obeyed, if it were more than text."""

HARMLESS = "[red]x[/] [/nothing] :smiley: \ufffd[2J\ufffd]0;owned\ufffd"


def call(**said: Any) -> CallRecord:
    """A call's record; numbers may be given as text."""
    return msgspec.convert(said, CallRecord, strict=False)


CALLS = [
    call(
        id="a",
        port="1",
        began=NOON,
        number="5550100",
        name="Ada Lovelace",
        answered_at=NOON + timedelta(seconds=6),
        ended_at=NOON + timedelta(seconds=66.04),
    ),
    call(id="b", port="2", began=NOON + timedelta(seconds=1), name=EVIL, ended_at=NOON + timedelta(seconds=60.97)),
    call(id="c", port="3", began=NOON + timedelta(seconds=2), number="5550102", name="Grace"),
]

MESSAGES = [
    VoiceMessage(
        "101",
        "a",
        NOON,
        59.96,
        "/state/voicemail/101/" + "x" * 300 + ".wav",
        "5550100",
        "Ada Lovelace",
        urgent=True,
    ),
    VoiceMessage("102", "b", NOON, 125.0, "/state/voicemail/102/b.wav", "", EVIL, folder="Work", heard=True),
]


class Ran(NamedTuple):
    """What a command came to."""

    status: int
    out: str
    err: str


def ctportd(*arguments: str) -> Ran:
    """Run ctportd."""
    result = CliRunner().invoke(program, arguments, prog_name="ctportd")
    return Ran(result.exit_code, result.stdout, result.stderr)


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """An empty folder to be in, with a folder for plugins; what a daemon settles for its process is undone."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STATE_DIRECTORY", raising=False)
    monkeypatch.setattr(
        "ctportd.cli.shared.DEFAULT_CONFIGS", (tmp_path / "etc" / "ctportd.toml", tmp_path / "none.toml")
    )
    (tmp_path / "plugins").mkdir()
    umask, files = os.umask(0o022), resource.getrlimit(resource.RLIMIT_NOFILE)
    yield tmp_path
    os.umask(umask)
    resource.setrlimit(resource.RLIMIT_NOFILE, files)


@pytest.fixture
def config(folder: Path) -> Path:
    """A configuration, where it is looked for."""
    path = folder / "etc" / "ctportd.toml"
    path.parent.mkdir()
    path.write_text("[[port]]\nnumber = 1\n")
    return path


@pytest.fixture
def filled(config: Path, folder: Path) -> None:
    """A store with calls and messages."""
    (folder / "state").mkdir()

    async def fill() -> None:
        store = Store(f"sqlite+aiosqlite:///{folder}/state/ctportd.db")
        await store.open()
        for record in CALLS:
            await store.save_call(record)
        for message in MESSAGES:
            await store.add_message(message)
        await store.close()

    asyncio.run(fill())


# -- help


COMMANDS = sorted(program.commands)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example(command: str) -> None:
    """Help of each command ends its explanation with a line to copy, which runs that very command."""
    ran = ctportd(command, "--help")
    assert (ran.status, ran.err) == (0, "")
    (example,) = re.findall(r"^  Example: (.*)$", ran.out, re.MULTILINE)
    assert re.match(rf"ctportd( --config \S+)? {command}\b", example)


def test_help_names_every_command() -> None:
    """Help without a configuration lists all of ours, and has an example itself."""
    ran = ctportd("--help")
    assert ran.status == 0
    assert "Example: ctportd --config etc/ctportd.toml" in ran.out
    for command in COMMANDS:
        assert re.search(rf"^  {command} +\S", ran.out, re.MULTILINE)
    assert "From plugins:" not in ran.out  # each of ours has its section
    assert "..." not in ran.out.split("\n\n", 3)[-1]  # and is described in a whole sentence


def test_help_is_given_whatever_the_configuration_says(config: Path) -> None:
    """Help is needed most where the configuration is wrong."""
    config.write_text("[log\n")
    ran = ctportd("--help")
    assert (ran.status, ran.err) == (0, "")
    assert "  status " in ran.out


def test_version() -> None:
    """The version is told."""
    ran = ctportd("--version")
    assert ran.status == 0
    assert re.fullmatch(r"ctportd, version \d+\.\d+\.\d+\n", ran.out)


# -- configuration


NEEDS_CONFIG = [
    ("call", "1", "5550100"),
    ("calls",),
    ("check",),
    ("config",),
    ("ctserver",),
    ("drain",),
    ("events",),
    ("explain",),
    ("hangup", "1"),
    ("logs",),
    ("mail", "ada@example.com"),
    ("messages",),
    ("outbox",),
    ("phone", "1"),
    ("plugins",),
    ("reload",),
    ("request", "1", "off_hook"),
    ("rotate",),
    ("status",),
    ("stop",),
    ("top",),
    (),
]


def test_every_command_is_tried_below() -> None:
    """No command is forgotten in the tests of the configuration; `completion`, `init` and `pin` need none."""
    assert (
        sorted([*(arguments[0] for arguments in NEEDS_CONFIG if arguments), "completion", "init", "pin"])
        == COMMANDS
    )


@pytest.mark.parametrize("arguments", NEEDS_CONFIG, ids=" ".join)
def test_no_configuration(folder: Path, arguments: tuple[str, ...]) -> None:
    """Every command tells where it looked, and what to do, with exit status 78."""
    told = f"there is no configuration: neither {folder}/etc/ctportd.toml nor {folder}/none.toml exists"
    assert ctportd(*arguments) == Ran(EXIT_CONFIG, "", f"ctportd: {told}; name one with --config FILE\n")


@pytest.mark.parametrize("arguments", NEEDS_CONFIG, ids=" ".join)
def test_mistake_in_the_configuration(config: Path, arguments: tuple[str, ...]) -> None:
    """Every command ends with 78 and one sentence, and does nothing."""
    config.write_text('[log]\nlevel = "loud"\n')
    told = "[log] level: found 'loud', expected one of 'debug', 'error', 'info', 'warning'"
    assert ctportd(*arguments) == Ran(78, "", f"ctportd: {config}: {told}\n")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("arguments", [*NEEDS_CONFIG, ("greet",)], ids=" ".join)
def test_somebody_elses_configuration_runs_nothing_as_root(
    config: Path, folder: Path, arguments: tuple[str, ...]
) -> None:
    """No command follows it, and none of its plugins is loaded, not even for help."""
    (folder / "plugins" / "a.py").write_text("from pathlib import Path\nPath('trap').touch()\n")
    os.chown(config, 54321, 0)
    ran = ctportd(*arguments)
    assert (ran.status, ran.out) == (78, "")
    assert "is not followed as root" in ran.err
    assert "greet" not in ctportd("--help").out
    assert not (folder / "trap").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize("arguments", [("check",), ()], ids=" ".join)
def test_somebody_elses_ctserver_is_not_run_as_root(config: Path, arguments: tuple[str, ...]) -> None:
    """It is told at the start, and by who checks."""
    program = config.parent / "ctserver"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    os.chown(program, 54321, 0)
    config.write_text(f'[[ctserver]]\nmode = "program"\nprogram = "{program}"\n[[port]]\nnumber = 1\n')
    ran = ctportd(*arguments)
    assert (ran.status, ran.out) == (78, "")
    assert f"[[ctserver]] program: {program} is not run as root" in ran.err


def test_configuration_that_is_found_is_nobody_elses(
    config: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a folder that all may write it is not taken for the default."""
    monkeypatch.setattr("ctportd.cli.shared.DEFAULT_CONFIGS", (Path("etc/ctportd.toml"), folder / "none.toml"))
    assert ctportd("check").status == 0
    folder.chmod(0o777)
    assert "is not followed" in ctportd("check").err


def test_named_configuration_is_read_and_no_other(config: Path, folder: Path) -> None:
    """--config goes before the default, also when the file is not there."""
    (folder / "mine.toml").write_text("[daemon]\nstop_timeout = 7.5\n")
    assert "stop_timeout = 7.5" in ctportd("--config", "mine.toml", "config").out
    assert ctportd("-c", "none.toml", "config") == Ran(
        78, "", "ctportd: none.toml: cannot be read: No such file or directory\n"
    )


def test_config_prints_what_is_in_force(config: Path, folder: Path) -> None:
    """What is printed is a configuration: read again, it prints the same."""
    printed = ctportd("config")
    assert (printed.status, printed.err) == (0, "")
    (folder / "again.toml").write_text(printed.out)
    assert ctportd("--config", "again.toml", "config") == printed


def test_check_of_a_good_configuration(config: Path, folder: Path) -> None:
    """It tells what it found, in one line; a port that nobody answers is a hint, which is a mistake to the strict."""
    (folder / "plugins" / "a.py").write_text(ANSWERS)
    config.write_text("[plugins]\nshipped = false\n" + config.read_text())
    hint = "hint: [[port]] number 1 handlers: is empty: nobody answers its calls; name a plugin"
    assert ctportd("check") == Ran(0, f"{config}: good: 1 port, 1 plugin (a), 1 hint\n  {hint}\n", "")
    assert ctportd("check", "--strict").status == 78
    config.write_text('[plugins]\nshipped = false\n[[port]]\nnumber = 1\nhandlers = ["a"]\n')
    assert ctportd("check", "--strict") == Ran(0, f"{config}: good: 1 port, 1 plugin (a)\n", "")


def test_check_finds_a_plugin_that_cannot_be_loaded(config: Path, folder: Path) -> None:
    """The daemon would leave it out; who checks wants to know."""
    (folder / "plugins" / "a.py").write_text("import nosuch")
    ran = ctportd("check")
    assert ran.status == 78
    assert re.fullmatch("ctportd: plugin a: cannot be loaded from .*: No module named 'nosuch'\n", ran.err)


@pytest.mark.parametrize("file", ["etc/ctportd.toml/x.log", "plugins"])
def test_log_that_cannot_be_written(config: Path, folder: Path, file: str) -> None:
    """The daemon does not start without its log, and says why in one sentence."""
    config.write_text(f'[log]\nfile = "{file}"\n')
    ran = ctportd()
    assert ran.status == 78
    assert re.fullmatch(
        f"ctportd: {config}: \\[log\\] file: found '{file}', which cannot be written: [A-Z][a-z ]+\n", ran.err
    )


# -- PINs


def test_pin_is_read_from_a_pipe() -> None:
    """For programs: the first line of standard input, which no list of processes shows."""
    result = CliRunner().invoke(program, ["pin"], input="4711\n", prog_name="ctportd")
    assert (result.exit_code, result.stderr) == (0, "")
    (hashed,) = result.stdout.splitlines()
    assert matches("4711", hashed)


@pytest.mark.parametrize("given", ["", "\n", "47\n", "4711 \n0815\n"])
def test_pipe_without_a_pin(given: str) -> None:
    """It is a mistake, and told as one."""
    result = CliRunner().invoke(program, ["pin"], input=given, prog_name="ctportd")
    fits = given.startswith("4711")
    assert result.exit_code == (0 if fits else 64)
    assert ("a PIN is 4 to 12 digits" in result.stderr) is not fits


def test_pin_in_the_command_line_is_warned_of() -> None:
    """It works, and its help says who sees it."""
    ran = ctportd("pin", "--pin", "4711")
    assert matches("4711", ran.out.strip())
    assert "Every user of this machine" in " ".join(ctportd("pin", "--help").out.split())


# -- mistakes in the command line, and a daemon that does not run


@pytest.mark.parametrize(
    "arguments",
    [("nosuch",), ("calls", "--limit", "0"), ("calls", "x"), ("phone",), ("phone", "0"), ("status", "--xml")],
    ids=" ".join,
)
def test_mistake_in_the_command_line(config: Path, arguments: tuple[str, ...]) -> None:
    """It is status 64 with the usage, so that 2 of ``phone`` means that nobody answered, and nothing else."""
    ran = ctportd(*arguments)
    assert (ran.status, ran.out) == (64, "")
    assert ran.err.startswith("Usage: ctportd")


@pytest.mark.parametrize(
    "arguments", [("status",), ("reload",), ("rotate",), ("stop",), ("request", "1", "off_hook")], ids=" ".join
)
def test_no_daemon_runs(config: Path, arguments: tuple[str, ...]) -> None:
    """What needs a running daemon says that there is none, with status 1."""
    told = "ctportd: no ctportd answers on state/ctportd.sock; is it running?\n"
    assert ctportd(*arguments) == Ran(EXIT_FAILED, "", told)


@pytest.mark.parametrize("command", ["calls", "messages"])
def test_no_store(config: Path, folder: Path, command: str) -> None:
    """Before the daemon has ever run there is nothing to show, and nothing is made."""
    (folder / "state").mkdir()
    told = f"there is no database {folder}/state/ctportd.db yet: the daemon makes it when it first runs"
    assert ctportd(command) == Ran(1, "", f"ctportd: {told}\n")
    assert list((folder / "state").iterdir()) == []


# -- tables


def local(moment: datetime) -> str:
    """A moment as the tables show it: in the reader's time zone."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M:%S}"


def rows(out: str) -> list[list[str]]:
    """A table's rows, cut where at least two spaces stand; none stand at its end."""
    return [re.split(" {2,}", line.lstrip()) for line in out.splitlines()]


def test_calls(filled: None) -> None:
    """Newest first, one line each; names are text, durations are rounded as people expect, under way is said."""
    ran = ctportd("calls")
    assert (ran.status, ran.err) == (0, "")
    began = [local(record.began) for record in CALLS]
    assert rows(ran.out) == [
        ["began", "port", "number", "name", "lasted", "how it ended"],
        [began[2], "3", "5550102", "Grace", "under way"],
        [began[1], "2", HARMLESS, "no answer"],
        [began[0], "1", "5550100", "Ada Lovelace", "1:00.0"],
    ]


def test_calls_have_a_limit(filled: None) -> None:
    """The newest ones are shown."""
    assert [row[3] for row in rows(ctportd("calls", "-n", "1").out)[1:]] == ["Grace"]


def test_messages(filled: None) -> None:
    """Oldest first; a path of 300 letters is on one line, whole: programs read it from a pipe."""
    ran = ctportd("messages")
    assert (ran.status, ran.err) == (0, "")
    assert rows(ran.out) == [
        ["id", "mailbox", "folder", "state", "recorded", "number", "name", "length", "file"],
        ["1", "101", "INBOX", "new, urgent", local(NOON), "5550100", "Ada Lovelace", "1:00.0", MESSAGES[0].path],
        ["2", "102", "Work", "heard", local(NOON), HARMLESS, "2:05.0", MESSAGES[1].path],
    ]


def test_messages_of_one_mailbox(filled: None) -> None:
    """The others' are left out."""
    assert [row[1] for row in rows(ctportd("messages", "--mailbox", "102").out)[1:]] == ["102"]
    assert [row[1] for row in rows(ctportd("messages", "--folder", "inbox").out)[1:]] == ["101"]
    assert ctportd("messages", "-m", "103").out == "No message has been left.\n"


def test_calls_for_programs(filled: None) -> None:
    """JSON has every field as it was kept: names untouched, times in UTC."""
    out = ctportd("calls", "--json").out
    assert msgspec.json.decode(out, type=list[CallRecord]) == CALLS[::-1]
    assert json.loads(out)[0]["began"] == "2026-11-23T12:00:02Z"
    assert "\x1b" not in out


def test_messages_for_programs(filled: None) -> None:
    """Messages likewise, with their ids."""
    read = msgspec.json.decode(ctportd("messages", "--json").out, type=list[VoiceMessage])
    assert read == [msgspec.structs.replace(message, id=n) for n, message in enumerate(MESSAGES, 1)]


def test_nothing_is_said_in_words_or_in_json(config: Path, folder: Path) -> None:
    """An empty log is a sentence for people and an empty list for programs."""
    (folder / "state").mkdir()

    async def make() -> None:
        store = Store(f"sqlite+aiosqlite:///{folder}/state/ctportd.db")
        await store.open()
        await store.close()

    asyncio.run(make())
    assert ctportd("calls") == Ran(0, "No call has been logged.\n", "")
    assert ctportd("messages") == Ran(0, "No message has been left.\n", "")
    assert ctportd("outbox") == Ran(0, "No letter waits.\n", "")
    for command in ("calls", "messages", "outbox"):
        assert ctportd(command, "--json") == Ran(0, "[]\n", "")


def printed(data: Any, tables: Any, capsys: pytest.CaptureFixture[str]) -> str:
    """What is printed of data."""
    display.show(data, tables, as_json=False)
    return capsys.readouterr().out


def port(number: int, **said: Any) -> PortStatus:
    """A port's status."""
    usual = {
        "address": str(number),
        "kind": "trunk",
        "state": "ringing",
        "handlers": [],
        "strays": 0,
        "call": None,
    }
    return msgspec.convert({"number": number, **usual, **said}, PortStatus)


def test_status(capsys: pytest.CaptureFixture[str]) -> None:
    """Every text of the status is shown as it is: markup, emoji and escape sequences are letters."""
    status = Status(
        state="ready",
        pid=4711,
        version="0.1.0",
        started_at=NOON,
        config=EVIL,
        ctserver=[
            CtserverStatus("main", "virtual", 4712, "1.0", 3),
            CtserverStatus("far", "remote", None, "", 0),
        ],
        ports=[
            port(1, name=EVIL, handlers=["a", EVIL], call=CallStatus("c", "ringing", NOON, "555", EVIL)),
            port(2, name="desk", kind="station", state="idle"),
        ],
        plugins=[
            PluginStatus("a", "loaded", ["answer_call", "call_ended"], faults=2, lost=0, waiting=1),
            PluginStatus("b", "failed", [], error=EVIL),
            PluginStatus("c", "quarantined", ["x"], skipped=3, tasks=1, faults=1, last_fault=EVIL, until=NOON),
        ],
        mail=MailStatus(waiting=2, last_error=EVIL),
    )
    assert rows(printed(status, tables.status_tables, capsys)) == [
        [f"ctportd 0.1.0, pid 4711, ready, up since {local(NOON)}, {HARMLESS}"],
        ["ctserver main: virtual, pid 4712, version 1.0, started 3 times"],
        ["ctserver far: remote, version unknown"],
        [f"mail: letters waiting: 2; the last error: {HARMLESS}"],
        [""],
        ["port", "name", "kind", "state", "caller", "handlers"],
        ["1", HARMLESS, "trunk", "ringing", f"555 {HARMLESS}", f"a, {HARMLESS}"],
        ["2", "desk", "station", "idle"],
        [""],
        ["plugin", "state", "last fault"],
        ["a", "loaded, 2 faults, 1 waiting"],
        ["b", "failed", HARMLESS],
        ["c", f"quarantined until {local(NOON)}, 1 fault, 3 skipped, 1 task", HARMLESS],
    ]


_ODD = "\x1b]0;\x07 \x9b31m \x7f \u202e \u00e9 \U0001f600"


def test_json_on_a_terminal_draws_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """All but ASCII is escaped there, and so is the rubout: the same data, without a character that could steer."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    display.show({"name": _ODD}, tables.calls_table, as_json=True)  # type: ignore[arg-type]
    out = capsys.readouterr().out
    assert json.loads(out) == {"name": _ODD}
    assert out.isascii()
    assert out.replace("\n", "").isprintable()


def test_json_in_a_pipe_is_as_it_was(capsys: pytest.CaptureFixture[str]) -> None:
    """Programs get the letters themselves."""
    display.show({"name": "\u00e9"}, tables.calls_table, as_json=True)  # type: ignore[arg-type]
    assert capsys.readouterr().out == '{\n  "name": "\u00e9"\n}\n'


def test_ctservers_words_draw_nothing(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in an error's sentence nor in its answer to a request to roll its log."""

    async def rotate(_: object) -> Rotated:
        return Rotated(EVIL, {EVIL: EVIL})

    async def refuse(_: object) -> Rotated:
        raise ControlError(EVIL)

    monkeypatch.setattr("ctportd.control.client.ControlClient.rotate", rotate)
    assert ctportd("rotate").out == f"ctportd: the old log is {HARMLESS}\nctserver {HARMLESS}: {HARMLESS}\n"
    monkeypatch.setattr("ctportd.control.client.ControlClient.rotate", refuse)
    assert ctportd("rotate").err == f"ctportd: {HARMLESS}\n"


def test_reply_on_a_terminal_draws_nothing(config: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What `request` prints is JSON of ctserver's words."""

    async def answer(*_: object) -> dict[str, str]:
        return {"line": _ODD}

    monkeypatch.setattr("ctportd.control.client.ControlClient.request", answer)
    monkeypatch.setattr("ctportd.display._is_terminal", lambda: True)
    out = ctportd("request", "1", "off_hook").out
    assert out == json.dumps({"line": _ODD}, separators=(",", ":")).replace("\x7f", "\\u007f") + "\n"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (0, "0:00.0"),
        (0.04, "0:00.0"),
        (9.96, "0:10.0"),
        (59.94, "0:59.9"),
        (59.96, "1:00.0"),
        (125.0, "2:05.0"),
        (3600.0, "60:00.0"),
        (-5.0, "0:00.0"),
    ],
)
def test_length_is_rounded_as_people_expect(
    capsys: pytest.CaptureFixture[str], seconds: float, shown: str
) -> None:
    """No minute has sixty seconds; a clock that was set back makes none negative."""
    message = VoiceMessage("101", "a", NOON, seconds, "/x.wav", "5550100", "Ada")
    out = printed([message], tables.messages_table, capsys)
    assert rows(out)[1][7] == shown
    ended = call(
        id="a",
        port="1",
        began=NOON,
        number="555",
        name="Ada",
        answered_at=NOON,
        ended_at=NOON + timedelta(seconds=seconds),
    )
    assert rows(printed([ended], tables.calls_table, capsys))[1][4] == shown


def test_wide_row_is_one_line_in_a_pipe(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the terminal's width is said to be."""
    monkeypatch.setenv("COLUMNS", "40")

    def sentences(_: object) -> Iterable[str]:
        yield "word " * 100

    assert printed(None, sentences, capsys) == "word " * 100 + "\n"
    message = msgspec.structs.replace(MESSAGES[0], name="n" * 128)
    header, row = printed([message], tables.messages_table, capsys).splitlines()
    assert header.startswith("id")
    assert message.path in row
    assert "n" * 128 in row


def test_table_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """Cells for which there is no room stand below their row, each with the name of its column; none is cut."""
    monkeypatch.setattr("ctportd.display._is_terminal", lambda: True)
    monkeypatch.setenv("COLUMNS", "80")
    lines = printed(MESSAGES, tables.messages_table, capsys).splitlines()
    assert rows(lines[0])[0] == ["id", "mailbox", "folder", "state", "recorded", "number"]
    assert lines[2] == f"    name: Ada Lovelace  length: 1:00.0  file: {MESSAGES[0].path}"
    assert len(lines) == 5
    monkeypatch.setenv("COLUMNS", "1000")
    assert len(printed(MESSAGES, tables.messages_table, capsys).splitlines()) == 3


def test_json_of_a_telephone_on_a_terminal_draws_nothing() -> None:
    """A caller's name is escaped there as well."""

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    out = Terminal()
    JsonScreen(out).show(Calling(t=0.0, port=1, number="5550100", name=_ODD))
    assert out.getvalue().isascii()
    assert json.loads(out.getvalue())["name"] == _ODD


def test_calls_that_we_made_are_told_apart(capsys: pytest.CaptureFixture[str]) -> None:
    """A column says which way a call went, where some went out."""
    ours = msgspec.structs.replace(CALLS[0], direction="outgoing")
    assert [row[2] for row in rows(printed([ours, CALLS[1]], tables.calls_table, capsys))] == ["way", "out", "in"]
