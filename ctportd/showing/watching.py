"""Events and lines of the log, each in one line for people."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.text import Text

from ctportd.display import shown
from ctportd.live.events import LOST
from ctportd.records import Step
from ctportd.showing.story import sentence

if TYPE_CHECKING:
    from ctportd.live.events import LiveEvent

_STYLES = {
    "ring": "yellow",
    "call_started": "bold",
    "call_answered": "green",
    "hangup": "blue",
    "call_ended": "blue",
    "message_left": "magenta",
    "line_trouble": "red",
    "port_disconnected": "red",
    "port_connect_failed": "red",
    "plugin_fault": "red",
    "plugin_quarantined": "bold red",
    "pin_locked": "bold red",
    "mail_failed": "red",
    LOST: "bold red",
}

LEVELS = {"debug": "dim", "info": "green", "warning": "yellow", "error": "bold red", "critical": "bold red"}
"""In what colour each level is shown."""

_HEAD = ("timestamp", "level", "event", "exception")


def event_line(event: LiveEvent) -> Text:
    """An event: when, where, what, and what is known of it."""
    line = Text(no_wrap=True)
    line.append(f"{event.at.astimezone():%H:%M:%S.%f}"[:-3], "dim")
    line.append(f"  {shown(event.port):<8}  ", "cyan")
    line.append(f"{event.type:<19}", _STYLES.get(event.type, ""))
    plugin = event.plugin if event.type != "call_offered" else ""
    words = ", ".join(filter(None, (plugin, sentence(Step(event.at, event.type, event.details)))))
    line.append(f"  {shown(words)}" if words else "")
    if event.call:
        line.append(f"  {shown(event.call)}", "dim")
    line.rstrip()
    return line


def log_line(line: dict[str, Any]) -> Text:
    """A line of the log: when, how bad, what, and the rest with its names; a traceback in lines of its own."""
    level = str(line.get("level", ""))
    told = Text(no_wrap=True)
    told.append(f"{_moment(line.get('timestamp'))}  ", "dim")
    told.append(f"{shown(level):<8}  ", LEVELS.get(level, ""))
    told.append(shown(str(line.get("event", ""))))
    for key, value in line.items():
        if key not in _HEAD:
            told.append(f"  {shown(key)}=", "dim")
            told.append(shown(str(value)), "cyan")
    for row in str(line.get("exception", "")).splitlines():
        told.append(f"\n    {shown(row)}", "dim")
    told.rstrip()
    return told


def _moment(timestamp: object) -> str:
    try:
        return f"{datetime.fromisoformat(str(timestamp)).astimezone():%Y-%m-%d %H:%M:%S}"
    except ValueError:
        return shown(str(timestamp))
