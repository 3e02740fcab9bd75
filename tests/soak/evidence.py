"""What is in the house when all is over: rows of the database, files on the disk, and the log's complaints."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from ctportd.records import CallRecord, VoiceMessage

if TYPE_CHECKING:
    from soak.house import House

_ON_PURPOSE = "SoakError"
_SEVERE = {"error", "critical"}


class Evidence(msgspec.Struct):
    """The end of a soak, as it can be looked up.

    Attributes:
        calls: All rows of the log of calls.
        messages: All rows of messages, in the order of their recordings.
        files: Every file of the mailboxes, with its size.
        complaints: How often each error was logged, but for those that the soak's plugins raise.
        tracebacks: The last line of each traceback in the log, likewise.
    """

    calls: list[CallRecord]
    messages: list[VoiceMessage]
    files: dict[Path, int]
    complaints: dict[str, int]
    tracebacks: dict[str, int]

    @property
    def incoming(self) -> list[Path]:
        """Recordings that never left ``incoming``."""
        return [path for path in self.files if path.parent.name == "incoming"]

    def recorded_in(self, call: str) -> list[Path]:
        """The files that a call has left."""
        return [path for path in self.files if path.name.startswith(call)]


async def gather(house: House) -> Evidence:
    """Look everything up; nothing of the house runs any more."""
    complaints, tracebacks = _logged(house.state)
    return Evidence(
        calls=await house.calls(),
        messages=sorted(await house.messages(), key=lambda message: message.recorded_at),
        files={path: path.stat().st_size for path in (house.state / "voicemail").rglob("*") if path.is_file()},
        complaints=dict(complaints.most_common()),
        tracebacks=dict(tracebacks.most_common()),
    )


def _logged(state: Path) -> tuple[Counter[str], Counter[str]]:
    complaints: Counter[str] = Counter()
    tracebacks: Counter[str] = Counter()
    for path in state.glob("ctportd.log*"):
        for text in path.read_text(errors="replace").splitlines():
            line = _line(text)
            if line is None:
                complaints["a line of the log that is no JSON"] += 1
                continue
            last = str(line.get("exception", "")).strip().rpartition("\n")[2]
            if line.get("level") in _SEVERE and _ON_PURPOSE not in last:
                complaints[str(line["event"])] += 1
                if last:
                    tracebacks[re.sub(r"[0-9a-f]{6,}|\d+", "N", last)[:200]] += 1
    return complaints, tracebacks


def _line(text: str) -> dict[str, Any] | None:
    try:
        return dict(json.loads(text))
    except ValueError:
        return None
