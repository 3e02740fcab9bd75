"""Which rows are of which call of the ledger: by the caller's number, or else by line and time."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    from ctportd.records import CallRecord, VoiceMessage
    from soak.evidence import Evidence
    from soak.ledger import Entry, Ledger

_ID_PARTS = 4


class Matching:
    """Rows and calls, put together.

    Attributes:
        entry_of_call: The ledger's entry for a row's call, by the call's id.
        foreign: Messages that are of no call of the ledger.
    """

    def __init__(self, ledger: Ledger, evidence: Evidence) -> None:
        self._by_number = {entry.caller: entry for entry in ledger.entries}
        self._by_line: defaultdict[int, list[Entry]] = defaultdict(list)
        for entry in ledger.entries:
            self._by_line[entry.line].append(entry)
        self.entry_of_call: dict[str, Entry] = {}
        self._calls: defaultdict[int, list[CallRecord]] = defaultdict(list)
        for call in evidence.calls:
            caller = self._by_number.get(call.number) or self._at(
                call.id, call.answered_at or call.began, answered=call.answered_at is not None
            )
            if caller is not None:
                self.entry_of_call[call.id] = caller
                self._calls[caller.number].append(call)
        self.foreign: list[VoiceMessage] = []
        self._messages: defaultdict[int, list[VoiceMessage]] = defaultdict(list)
        for message in evidence.messages:
            self._take(message)

    def _take(self, message: VoiceMessage) -> None:
        entry = (
            self._by_number.get(message.number)
            or self.entry_of_call.get(message.call)
            or self._at(message.call, message.recorded_at, answered=True)
        )
        if entry is None:
            self.foreign.append(message)
        else:
            self._messages[entry.number].append(message)

    def _at(self, call: str, moment: datetime, *, answered: bool) -> Entry | None:
        """Who called the line that stands in a call's id (date, time, port, six characters) at that moment.

        Lines have one caller at a time, and all processes one clock: it is who called last before that.
        """
        parts = call.split("-")
        if len(parts) < _ID_PARTS or not parts[2].isdecimal():
            return None
        candidates = [
            entry
            for entry in self._by_line[int(parts[2])]
            if entry.offered_at <= moment.timestamp()
            and entry.end != "busy"
            and (entry.answered_at or not answered)
        ]
        return candidates[-1] if candidates else None

    def calls_of(self, entry: Entry) -> list[CallRecord]:
        """The records of a call."""
        return self._calls[entry.number]

    def messages_of(self, entry: Entry) -> list[VoiceMessage]:
        """The messages of a call, in the order in which they were recorded."""
        return self._messages[entry.number]
