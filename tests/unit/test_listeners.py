"""What the log hears of a connection."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ctportd.listeners import ManagerListener
from ctportd.wire.events import UserMessage
from ctportd.wire.message import BrokenLine, Message

if TYPE_CHECKING:
    from collections.abc import MutableMapping


def test_flood_of_nonsense_does_not_fill_the_log(log_lines: list[MutableMapping[str, Any]]) -> None:
    """So many lines a minute are told, and then how many were not; all are counted."""
    now = 0.0
    listener = ManagerListener("manager of main", lambda: now)
    for number in range(5000):
        listener.stray(BrokenLine("a line without rly=", f"{number} " + "x" * 60_000))
    assert listener.strays == 5000
    assert [line["strays"] for line in log_lines] == [*range(1, 21)]
    assert max(len(line["line"]) for line in log_lines) == 200
    now = 60.0
    listener.stray(BrokenLine("a line without rly=", "nonsense"))
    assert [line.get("left_out") for line in log_lines[20:]] == [4980, None]
    assert log_lines[-1]["strays"] == 5001


def said(line: str) -> UserMessage:
    """A message that a port sent."""
    return UserMessage(port=1, message=Message("message", raw=line), text="")


def test_flood_of_messages_does_not_fill_the_log(log_lines: list[MutableMapping[str, Any]]) -> None:
    """Any client of ctserver may send the manager messages: some are told, cut short, and the rest is counted."""
    now = 0.0
    listener = ManagerListener("manager of main", lambda: now)
    for number in range(5000):
        listener.event(said(f"{number} " + "x" * 60_000))
    assert len(log_lines) == 20
    assert max(len(line["line"]) for line in log_lines) == 200
    now = 60.0
    listener.event(said("a word"))
    assert [line.get("left_out") for line in log_lines[20:]] == [4980, None]
    assert log_lines[-1]["line"] == "a word"
