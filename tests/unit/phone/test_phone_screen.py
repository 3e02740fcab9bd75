"""A call as it is read by people and by programs."""

from __future__ import annotations

import io
import json
import re
from typing import TYPE_CHECKING

import pytest

from ctportd.phone.happenings import (
    Answered,
    Attached,
    Calling,
    Complaint,
    Ended,
    Flash,
    OffHook,
    Played,
    Playing,
    Press,
    Recorded,
    Recording,
    Ring,
    Said,
    Say,
)
from ctportd.phone.prompts import texts
from ctportd.phone.screen import JsonScreen, PeopleScreen, clock, screen_for

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ctportd.phone.happenings import Happening

CALL: list[Happening] = [
    Calling(t=0.0, port=1, number="5550100", name="Ada Lovelace"),
    Ring(t=0.0, count=1),
    Ring(t=6.0, count=2),
    Answered(t=6.4),
    Playing(t=6.5, prompt="menu-main", file="/prompts/menu-main.au"),
    Press(t=12.14, key="1"),
    Played(t=12.14, prompt="menu-main", complete=False, seconds=5.64),
    Playing(t=18.9, prompt="beep", file="/prompts/beep.au"),
    Played(t=19.0, prompt="beep", complete=True, seconds=0.1),
    Recording(t=19.0, file="/tmp/m.wav"),
    Say(t=19.0, sound="hello.wav", seconds=2.4),
    Said(t=21.4, sound="hello.wav"),
    Recorded(t=24.9, file="/tmp/m.wav"),
    Ended(t=625.0, by="line", reason="hangup"),
]


class Terminal(io.StringIO):
    """A terminal's screen."""

    def isatty(self) -> bool:
        """It is one."""
        return True


def shown(happenings: Iterable[Happening], *, width: int | None = None, colour: bool = False) -> list[str]:
    """The lines for people."""
    out = io.StringIO()
    screen = PeopleScreen(out, width=width, colour=colour)
    for happening in happenings:
        screen.show(happening)
    return out.getvalue().splitlines()


def test_a_call_for_people() -> None:
    """The whole of a call, line for line."""
    assert shown(CALL) == [
        ' 0:00.0  calling port 1 as "Ada Lovelace" 5550100',
        " 0:00.0  ring    1",
        " 0:06.0  ring    2",
        " 0:06.4  answered",
        f' 0:06.5  hear    menu-main           "{texts()["menu-main"]}"',
        " 0:12.1  press   1",
        " 0:12.1  cut     menu-main           after 5.6 s",
        " 0:18.9  hear    beep",
        " 0:19.0  record  begins",
        " 0:19.0  say     hello.wav (2.4 s)",
        " 0:24.9  record  ends",
        "10:25.0  ended   the line hung up",
    ]


def test_a_set_for_people() -> None:
    """What only a station's set does."""
    happenings = [Attached(t=0, port=4), OffHook(t=1), Flash(t=2), Complaint(t=3, message="what?")]
    assert shown(happenings) == [
        " 0:00.0  set     of port 4",
        " 0:01.0  lifted",
        " 0:02.0  flash",
        " 0:03.0  error   what?",
    ]


@pytest.mark.parametrize(
    ("number", "name", "caller"),
    [("", "", ""), ("5550100", "", " as 5550100"), ("", "Ada", ' as "Ada"')],
)
def test_a_caller_without_number_or_name(number: str, name: str, caller: str) -> None:
    """What is not known is not shown."""
    assert shown([Calling(t=0.0, port=2, number=number, name=name)]) == [f" 0:00.0  calling port 2{caller}"]


@pytest.mark.parametrize(
    ("end", "sentence"),
    [
        (Ended(t=0, by="phone", reason="hangup"), "the phone hung up"),
        (Ended(t=0, by="phone", reason="gave-up"), "nobody answered, and the phone gave up"),
        (Ended(t=0, by="exchange", reason="busy"), "the line is busy"),
        (Ended(t=0, by="exchange", reason="closing"), "ctserver stops"),
        (
            Ended(t=0, by="exchange", reason="refused", detail="no port 9"),
            "the exchange refused the call: no port 9",
        ),
        (Ended(t=0, by="exchange", reason="lost"), "the connection to the exchange was lost"),
    ],
)
def test_each_end_has_its_words(end: Ended, sentence: str) -> None:
    """A reader learns who ended the call, and why."""
    assert shown([end]) == [f" 0:00.0  ended   {sentence}"]


def test_a_line_is_cut_to_the_terminals_width() -> None:
    """A long prompt does not break the table."""
    (line,) = shown([Playing(t=0, prompt="menu-main", file="")], width=60)
    assert len(line) <= 60
    assert line.endswith(" ...")


def test_colours_change_nothing_else() -> None:
    """Without its colours a line is the plain line."""
    painted = shown(CALL, colour=True)
    assert painted[3] == "\x1b[2m 0:06.4  \x1b[0m\x1b[32manswered\x1b[0m"
    assert [re.sub("\x1b\\[[0-9]+m", "", line) for line in painted] == shown(CALL)


def test_what_would_disturb_a_terminal_is_not_shown() -> None:
    """Control characters of a name stay out of the terminal, and letters that it does not know."""
    (line,) = shown([Calling(t=0, port=1, number="", name="\x1b[2Jx\ny")])
    assert line.endswith('"?[2Jx?y"')
    out = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    PeopleScreen(out).show(Calling(t=0, port=1, number="", name="Zoë"))
    out.seek(0)
    assert out.read().endswith('"Zo?"\n')


def test_a_call_for_programs() -> None:
    """One object a line, with the event's name, its time and its own fields."""
    out = io.StringIO()
    screen = JsonScreen(out)
    for happening in CALL:
        screen.show(happening)
    screen.note("for people only")
    objects = [json.loads(line) for line in out.getvalue().splitlines()]
    assert objects[0] == {"event": "calling", "t": 0.0, "port": 1, "number": "5550100", "name": "Ada Lovelace"}
    assert objects[6] == {"event": "played", "t": 12.14, "prompt": "menu-main", "complete": False, "seconds": 5.64}
    assert objects[-1] == {"event": "ended", "t": 625.0, "by": "line", "reason": "hangup", "detail": ""}
    assert len(objects) == len(CALL)


def test_time() -> None:
    """Minutes, seconds and tenths, without a sixtieth second."""
    assert [clock(t) for t in (0, 59.94, 59.96, 3600)] == [" 0:00.0", " 0:59.9", " 1:00.0", "60:00.0"]


@pytest.mark.parametrize(
    ("variable", "value", "coloured"),
    [("NO_COLOR", "1", False), ("NO_COLOR", "", True), ("TERM", "dumb", False), ("TERM", "xterm", True)],
)
def test_colours_are_for_terminals_that_want_them(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, *, coloured: bool
) -> None:
    """NO_COLOR and a dumb terminal are heeded; what is no terminal has no colours at all."""
    for name in ("NO_COLOR", "TERM"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, value)
    for out, expected in ((Terminal(), coloured), (io.StringIO(), False)):
        screen_for(out, as_json=False).show(Answered(t=0))
        assert ("\x1b" in out.getvalue()) is expected


def test_the_prompts_texts() -> None:
    """The shipped table is read: words for prompts, none for sounds and comments."""
    assert texts()["menu-main"]
    assert "beep" not in texts()
    assert not any(name.startswith("#") for name in texts())
