"""The log: what a line holds, where it goes, and that none is lost, torn or able to stop anything."""

from __future__ import annotations

import io
import json
import logging
import os
import re
import sys
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
import structlog

from ctportd.logs import LogFile, about_request, current_hook, flush, quiet, set_file, set_level, set_up, tapped

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NOW = datetime(2026, 11, 23, 18, 15, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    """What set_up() changes is put back."""
    before = structlog.get_config()
    processors = list(before["processors"])
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.configure(**before | {"processors": before["processors"]})
    before["processors"][:] = processors
    root.handlers[:] = handlers
    root.setLevel(level)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LogFile]:
    """A log file in a folder that is not there yet."""
    made = LogFile(tmp_path / "logs" / "x.log")
    yield made
    made.close()


def lines(file: LogFile) -> list[dict[str, Any]]:
    """The lines of a log file; each must be JSON."""
    return [json.loads(line) for line in file.path.read_text().splitlines()]


def fail(problem: str, cause: Exception | None = None) -> None:
    """Raise."""
    raise ValueError(problem) from cause


class Port:
    """A port, as far as the log knows one."""

    address = "main:3"


class Call:
    """A call, as far as the log knows one."""

    id = "20261123-181500-3-abcdef"
    port = Port()


# -- what a line holds


def test_line_is_json_in_a_fixed_order(file: LogFile) -> None:
    """Time, level and event come first, then what the line tells; the time is UTC."""
    set_up("info", file, terminal=False)
    structlog.get_logger().info("call", number="5550100", rings=2, path=file.path)
    (text,) = file.path.read_text().splitlines()
    assert list(json.loads(text)) == ["timestamp", "level", "event", "number", "rings", "path"]
    line = json.loads(text)
    assert (line["level"], line["event"], line["rings"], line["path"]) == ("info", "call", 2, str(file.path))
    assert datetime.fromisoformat(line["timestamp"]).utcoffset() == UTC.utcoffset(None)


def test_quiet_leaves_out_the_news_or_everything(file: LogFile) -> None:
    """As long as the block lasts; of loggers that have been used before, too."""
    set_up("debug", file, terminal=False)
    log = structlog.get_logger()
    for block in (quiet(troubles=True), quiet()):
        with block:
            log.debug("quiet")
            log.info("quiet")
            log.warning("trouble")
        log.info("news")
    assert [json.loads(line)["event"] for line in file.path.read_text().splitlines()] == [
        "trouble",
        "news",
        "news",
    ]


@pytest.mark.parametrize(
    ("level", "written"),
    [
        ("debug", ["debug", "info", "warning", "error"]),
        ("info", ["info", "warning", "error"]),
        ("warning", ["warning", "error"]),
        ("error", ["error"]),
    ],
)
def test_level_leaves_out_what_is_below(file: LogFile, level: str, written: list[str]) -> None:
    """Each level of the configuration lets through itself and what is worse."""
    set_up(level, file, terminal=False)
    log = structlog.get_logger()
    for each in ("debug", "info", "warning", "error"):
        getattr(log, each)(each)
    assert [line["level"] for line in lines(file)] == written


def test_level_can_change_while_it_runs(file: LogFile) -> None:
    """A logger that somebody has bound and keeps is of the new level at once, and so are libraries."""
    set_up("info", file, terminal=False)
    kept = structlog.get_logger().bind(link="main:1")
    for level in ("debug", "error", "info"):
        set_level(level)
        kept.debug(f"debug at {level}")
        structlog.get_logger().info(f"info at {level}")
        logging.getLogger("x").warning("theirs at %s", level)
    assert [line["event"] for line in lines(file)] == [
        *("debug at debug", "info at debug", "theirs at debug"),
        *("info at info", "theirs at info"),
    ]


def test_file_can_change_while_it_runs(file: LogFile, tmp_path: Path) -> None:
    """Lines go to one file or to another, or to none; the loggers are the same ones."""
    set_up("info", None, terminal=False)
    log = structlog.get_logger()
    other = LogFile(tmp_path / "other.log")
    for each in (None, file, other, None):
        set_file(each)
        log.info("line")
    other.close()
    assert [len(lines(each)) for each in (file, other)] == [1, 1]


def test_who_taps_the_log_has_the_lines_of_the_file(file: LogFile) -> None:
    """Those that are written, as they are, for as long as it is tapped; one that raises takes none from the file."""

    def broken(_line: bytes) -> None:
        fail("is broken")

    seen: list[bytes] = []
    set_up("info", file, terminal=False)
    log = structlog.get_logger()
    log.info("before")
    with tapped(seen.append), tapped(broken):
        log.debug("left out")
        log.warning("meanwhile", number=7)
    log.info("after")
    assert [json.loads(line) for line in seen] == [lines(file)[1]]
    assert [line["event"] for line in lines(file)] == ["before", "meanwhile", "after"]


def test_context_is_on_every_line(file: LogFile) -> None:
    """What was bound where a call is answered is on the lines that are written there, and on no other."""
    set_up("info", file, terminal=False)
    log = structlog.get_logger()
    with structlog.contextvars.bound_contextvars(port=1, call="a", plugin="voicemail"):
        log.info("inside")
        log.info("own", plugin="mine")
    log.info("outside")
    told = [(line.get("port"), line.get("call"), line.get("plugin")) for line in lines(file)]
    assert told == [(1, "a", "voicemail"), (1, "a", "mine"), (None, None, None)]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({}, ("mine", None, None)),
        ({"port": Port()}, ("mine", "main:3", None)),
        ({"call": Call()}, ("mine", "main:3", Call.id)),
        ({"number": "5550100"}, ("mine", None, None)),
    ],
    ids=["nothing", "port", "call", "number"],
)
def test_line_of_a_hook_tells_plugin_port_and_call(
    file: LogFile, arguments: dict[str, Any], told: tuple[object, ...]
) -> None:
    """A hook's lines tell what it was called with, though nobody bound it."""
    set_up("info", file, terminal=False)
    token = current_hook.set((SimpleNamespace(name="mine"), arguments))
    structlog.get_logger().info("in a hook")
    current_hook.reset(token)
    structlog.get_logger().info("after it")
    inside, after = lines(file)
    assert (inside.get("plugin"), inside.get("port"), inside.get("call")) == told
    assert not {"plugin", "port", "call"} & set(after)


def test_line_says_more_than_the_hook_knows(file: LogFile) -> None:
    """What a line tells itself goes before what is known of its hook."""
    set_up("info", file, terminal=False)
    token = current_hook.set((SimpleNamespace(name="mine"), {"call": Call()}))
    structlog.get_logger().info("x", port=9, call="b", plugin="other")
    current_hook.reset(token)
    (line,) = lines(file)
    assert (line["port"], line["call"], line["plugin"]) == (9, "b", "other")


def test_line_about_a_request_tells_it_and_its_fate(file: LogFile) -> None:
    """Nobody passes them; those of another task are not told, and a line may say more."""
    set_up("info", file, terminal=False)
    log = structlog.get_logger()
    with about_request("ctplay") as asked:
        log.info("asked")
        asked.fate = "done"
        log.info("answered")
        log.info("own", request="ctrecord", fate="failed")
    log.info("after")
    told = [(line.get("request"), line.get("fate")) for line in lines(file)]
    assert told == [("ctplay", None), ("ctplay", "done"), ("ctrecord", "failed"), (None, None)]


@pytest.mark.parametrize(
    "key", ["pin", "password", "smtp_password", "api-token", "Authorization", "new_PIN", "secrets"]
)
def test_what_is_secret_by_its_name_is_hidden(file: LogFile, capsys: pytest.CaptureFixture[str], key: str) -> None:
    """In a line and inside its values, in the file, on the terminal and for whoever taps the log."""
    seen: list[bytes] = []
    set_up("info", file)
    with tapped(seen.append):
        structlog.get_logger().info("x", **{key: "4711"}, settings={"of": [{key: 4711}]}, pinned="kept")
    text = file.path.read_text()
    assert "4711" not in text + shown(capsys) + seen[0].decode()
    line = json.loads(text)
    assert (line[key], line["settings"], line["pinned"]) == ("(secret)", {"of": [{key: "(secret)"}]}, "kept")


def test_passwords_in_urls_are_hidden(file: LogFile, capsys: pytest.CaptureFixture[str]) -> None:
    """Those of a database or a broker, wherever they stand: in a value, in a list, in what was raised."""
    set_up("info", file)
    url = "postgresql://ada:" + "s3cr/t@x@db.example/calls"
    try:
        fail(f"cannot reach {url}")
    except ValueError:
        structlog.get_logger().exception("failed", url=url, urls=[url])
    (line,) = lines(file)
    assert "s3cr" not in file.path.read_text() + shown(capsys)
    assert line["url"] == "postgresql://ada:(secret)@db.example/calls"
    assert line["exception"].endswith("cannot reach postgresql://ada:(secret)@db.example/calls")


def test_line_of_the_journal_has_its_priority(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The journal knows the time; each line of a traceback has the priority of the first. Elsewhere there is none."""
    with (tmp_path / "journal").open("w+") as journal:
        found = os.fstat(journal.fileno())
        monkeypatch.setattr(sys, "stderr", journal)
        for stream in (f"{found.st_dev}:{found.st_ino}", f"{found.st_dev}:{found.st_ino + 1}"):
            monkeypatch.setenv("JOURNAL_STREAM", stream)
            set_up("debug", None)
            log = structlog.get_logger()
            log.debug("a\nb")
            log.info("call", number=1)
            log.warning("odd")
            try:
                fail("broken")
            except ValueError:
                log.exception("failed")
            flush()
        journal.seek(0)
        told = journal.read().splitlines()
    ours = [line for line in told if line.startswith("<")]
    assert [line.split()[0] for line in ours[:4]] == ["<7>a\\nb", "<6>call", "<4>odd", "<3>failed"]
    assert {line[:3] for line in ours[3:]} == {"<3>"}
    assert ours[-1] == "<3>ValueError: broken"
    assert re.match(r"\d\d:\d\d:\d\d \[debug", told[len(ours)])


def test_exception_is_text(file: LogFile) -> None:
    """The traceback stands in the line, as text, with its cause; the line is still one line."""
    set_up("info", file, terminal=False)
    try:
        fail("outer", KeyError("inner"))
    except ValueError:
        structlog.get_logger().exception("failed", hook="answer_call")
    (line,) = lines(file)
    assert line["level"] == "error"
    assert "Traceback (most recent call last):" in line["exception"]
    assert line["exception"].endswith("ValueError: outer")
    assert "KeyError: 'inner'" in line["exception"]
    assert "exc_info" not in line


class _Unshowable:
    """Something that cannot be turned into text."""

    def __str__(self) -> str:
        raise RuntimeError

    __repr__ = __str__


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("\udcff\udc80 Ada", "\\udcff\\udc80 Ada"),
        (2**70, 2**70),
        (float("nan"), None),
        ({(1, 2): "x"}, {"(1, 2)": "x"}),
        (["\udcff"], "['\\udcff']"),
        (_Unshowable(), "(_Unshowable that cannot be shown: RuntimeError)"),
        ("a\nb\0\x1b[31m", "a\nb\0\x1b[31m"),
    ],
    ids=["no UTF-8", "huge", "nan", "odd key", "no UTF-8 in a list", "unshowable", "controls"],
)
def test_no_value_can_stop_the_log(
    file: LogFile, capsys: pytest.CaptureFixture[str], value: object, written: object
) -> None:
    """Whatever came over a line or was built by a plugin, the line is written, and nothing is raised."""
    set_up("info", file)
    structlog.get_logger().info("name", value=value, port=1)
    (line,) = lines(file)
    assert (line["event"], line["value"], str(line["port"])) == ("name", written, "1")


def test_event_that_is_no_utf_8(file: LogFile) -> None:
    """The event itself may be what ctserver said; the terminal has it too."""
    set_up("info", file, terminal=False)
    structlog.get_logger().info("said \udcff")
    assert lines(file)[0]["event"] == "said \\udcff"


# -- the terminal


def shown(capsys: pytest.CaptureFixture[str]) -> str:
    """What the terminal has got, once all of it is there."""
    flush()
    return capsys.readouterr().err


def test_terminal_has_plain_lines(file: LogFile, capsys: pytest.CaptureFixture[str]) -> None:
    """People read the time of day, the level, the event and the rest, without colours in a pipe."""
    set_up("info", file)
    structlog.get_logger().info("call", number="5550100")
    assert re.fullmatch(r"\d\d:\d\d:\d\d \[info +\] call +number=5550100\n", shown(capsys))


def test_log_without_a_file_goes_to_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """No file is configured: the lines are still seen."""
    set_up("warning", None)
    structlog.get_logger().info("no")
    structlog.get_logger().warning("yes")
    assert len(shown(capsys).splitlines()) == 1


@pytest.mark.parametrize("text", ["\x1b]0;owned\x07", "\x1b[2J", "a\rb", "\x9b31m", "\udcff", "a\nb c"])
def test_nothing_on_a_line_steers_the_terminal(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """A caller chooses the name: it can neither draw, nor clear, nor write a line of its own."""
    set_up("info", None)
    structlog.get_logger().info(f"said {text}", name=text)
    told = shown(capsys)
    assert told.endswith("\n")
    assert told[:-1].isprintable()


def test_terminal_shows_a_traceback_without_variables(capsys: pytest.CaptureFixture[str]) -> None:
    """What a function held when it failed may be a PIN: it is not printed."""
    set_up("info", None)
    pin = "secret-" + "1234"
    try:
        fail(str(len(pin)))
    except ValueError:
        structlog.get_logger().exception("failed")
    told = shown(capsys)
    assert "ValueError: 11" in told
    assert "secret-1234" not in told


@pytest.mark.parametrize("text", ["\x1b]0;owned\x07", "a\rb", "\x9b31m", "\u202e", "\udcff", "\x7f"])
def test_nothing_in_a_traceback_steers_the_terminal(capsys: pytest.CaptureFixture[str], text: str) -> None:
    """What was raised may hold a caller's name; its lines stay lines."""
    set_up("info", None)
    try:
        fail(f"no call from {text}")
    except ValueError:
        structlog.get_logger().exception("failed")
    told = shown(capsys)
    assert "ValueError: no call from " in told
    assert len(told.splitlines()) > 3
    assert told.replace("\n", "").isprintable()


# -- faults


def test_log_that_cannot_be_written_stops_nothing(
    file: LogFile, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A full disk and a terminal that is gone cost lines and no call; the other place still has them."""
    set_up("info", file)
    with monkeypatch.context() as patched:
        patched.setattr(file, "write", lambda _line: (_ for _ in ()).throw(OSError(28, "No space left on device")))
        structlog.get_logger().info("one")
    assert "one" in shown(capsys)
    with monkeypatch.context() as patched:
        closed = io.StringIO()
        closed.close()
        patched.setattr(sys, "stderr", closed)
        structlog.get_logger().info("two")
        flush()
    assert [line["event"] for line in lines(file)] == ["two"]


def test_line_after_the_end_is_lost_quietly(file: LogFile) -> None:
    """A thread that outlives the log may still log."""
    set_up("info", file, terminal=False)
    file.close()
    structlog.get_logger().info("late")
    assert lines(file) == []


# -- the standard library's


def test_libraries_are_heard_from_warning_up(file: LogFile) -> None:
    """Their chatter is left out even at debug; what they warn of is a line like ours, with their name."""
    set_up("debug", file, terminal=False)
    library = logging.getLogger("aiohttp.server")
    library.info("chatter")
    library.warning("%s of %d", "two", 3)
    (line,) = lines(file)
    assert (line["level"], line["event"], line["logger"]) == ("warning", "two of 3", "aiohttp.server")


def test_level_holds_for_libraries(file: LogFile) -> None:
    """A library's warning is no error."""
    set_up("error", file, terminal=False)
    logging.getLogger("x").warning("no")
    logging.getLogger("x").error("yes")
    assert [line["event"] for line in lines(file)] == ["yes"]


@pytest.mark.parametrize(("level", "written"), [(35, "warning"), (30, "warning"), (41, "error"), (99, "critical")])
def test_library_may_have_levels_of_its_own(file: LogFile, level: int, written: str) -> None:
    """A level between ours counts as the one below; one above all as the worst."""
    set_up("info", file, terminal=False)
    logging.getLogger("x").log(level, "own level")
    assert [line["level"] for line in lines(file)] == [written]


def test_library_that_logs_wrongly_is_not_stopped(file: LogFile) -> None:
    """Arguments that do not fit their message are told; the library goes on."""
    set_up("info", file, terminal=False)
    logging.getLogger("x").error("%d rings", "many")
    (line,) = lines(file)
    assert line["event"] == "%d rings (its arguments do not fit: %d format: a real number is required, not str)"


def test_librarys_exception_is_text(file: LogFile) -> None:
    """With and without one to tell of."""
    set_up("info", file, terminal=False)
    try:
        fail("theirs")
    except ValueError:
        logging.getLogger("x").exception("failed")
    logging.getLogger("x").error("failed", exc_info=True)  # noqa: LOG014 - some libraries do
    first, second = lines(file)
    assert first["exception"].endswith("ValueError: theirs")
    assert second["event"] == "failed"
