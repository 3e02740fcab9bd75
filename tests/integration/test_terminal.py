"""Whoever started the daemon stops reading what it prints."""

from __future__ import annotations

import os
import re
import sys
import threading
from typing import TYPE_CHECKING

from ctportd.terminal import Terminal

if TYPE_CHECKING:
    import pytest


def test_reader_who_stalls_holds_up_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lines beyond those that may wait are lost, which is said where they are missing; the rest come in order."""
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as pipe, os.fdopen(reading) as reader:
        monkeypatch.setattr(sys, "stderr", pipe)
        terminal = Terminal(most_waiting=100)
        for number in range(5000):
            terminal.write(f"{number:04} {'x' * 5000}\n")
        assert not terminal.flush(0.05)
        read: list[str] = []
        thread = threading.Thread(target=lambda: read.extend(line[:60].rstrip() for line in reader))
        thread.start()
        assert terminal.flush(20)
        terminal.write("the next line\n")
        assert terminal.flush(20)
        terminal.close()
        monkeypatch.undo()
        pipe.close()
        thread.join(20)
    *told, last = read
    assert last == "the next line"
    expected = 0
    for line in told:
        lost = re.fullmatch(r"\(([0-9]+) lines lost here: nobody read them\)", line)
        if lost:
            expected += int(lost[1])
        else:
            assert line.startswith(f"{expected:04} ")
            expected += 1
    assert expected == 5000
    assert len(told) < 1000
