"""How an owner is asked, by a line that answers from a list."""

from __future__ import annotations

from typing import Any, cast

import pytest

from plugins.voicemail.owner.asking import REPEATS, NobodyThere, choose
from plugins.voicemail.owner.keys import MAIN, MESSAGE, PLAYING, Action


class Line:
    """A call whose owner presses these keys, one whenever one is collected; an empty one is silence."""

    def __init__(self, *keys: str) -> None:
        self.keys = list(keys)
        self.played: list[str] = []

    async def play(self, *prompts: str) -> str:
        """Remember."""
        self.played += prompts
        return ""

    async def collect(self, digits: int, first: int) -> str:
        """The next key."""
        assert (digits, first) == (1, 6)
        return self.keys.pop(0) if self.keys else ""


def call(line: Line) -> Any:
    """As what is asked takes it."""
    return cast("Any", line)


async def test_silence_repeats_a_menu_three_times() -> None:
    """Then nobody is there."""
    line = Line()
    with pytest.raises(NobodyThere):
        await choose(call(line), MAIN)
    assert line.played.count("vm-to-hear") == 1 + REPEATS == 4


async def test_a_key_without_meaning_is_told() -> None:
    """And the menu is said again; the next key counts."""
    line = Line("7", "8", "1")
    assert await choose(call(line), MAIN) is Action.MESSAGES
    assert line.played.count("invalid-key") == 2


async def test_wrong_keys_without_end_are_silence() -> None:
    """A noisy line presses keys, too."""
    with pytest.raises(NobodyThere):
        await choose(call(Line(*"7777777")), MAIN)


async def test_help_tells_all_keys() -> None:
    """On a message those that are seldom wanted, and those of while it plays; before that, they are left out."""
    line = Line("*", "6")
    assert await choose(call(line), MESSAGE, whole=False) is Action.NEXT
    brief, whole = line.played[: line.played.index("vm-while-playing")], line.played
    assert "vm-to-exit" not in brief
    assert "vm-to-exit" in whole
    assert all(prompt in whole for prompt in PLAYING.spoken())


async def test_a_key_that_was_pressed_before_is_not_asked_for() -> None:
    """It came while the message played."""
    line = Line()
    assert await choose(call(line), MESSAGE, hidden={Action.RESTORE}, key="7") is Action.DELETE
    assert line.played == []
