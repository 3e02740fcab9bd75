"""The balance: what the callers know against what is stored. Whatever does not come out even is a loss, by name."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING

import msgspec

from soak import leaks, tone
from soak.ledger import ON_ITS_WAY, UNWRITTEN
from soak.matching import Matching

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd.records import VoiceMessage
    from soak.evidence import Evidence
    from soak.fault import Made
    from soak.ledger import Entry, Spoken
    from soak.run import Soak

NEAR_BEFORE, NEAR_AFTER = 0.5, 3.0
"""Seconds of the clock around a fault in which what goes wrong is put down to it."""

JUST_BEGUN, JUST_AFTER = 1.0, 0.5
"""Seconds before the daemon's death in which a call's record may not have reached the disk; and after it, in which its
last requests may still answer a call."""

_EXACT = 0.1  # seconds: five frames, two of them those at either end of what was said
_PURE = 0.9  # the part of a recording's power that must be its caller's tone
_SAME_LENGTH = 0.05  # seconds by which a row may differ from its file


class Loss(msgspec.Struct, frozen=True):
    """Something that does not come out even.

    Attributes:
        kind: Which of the balance's promises it breaks.
        what: What it is, in words.
        near: The fault in whose time it fell; empty where there was none.
    """

    kind: str
    what: str
    near: str = ""


class Balance:
    """Everything counted, and every loss.

    Attributes:
        counts: The figures, by name, in the order in which they are shown.
        losses: What does not come out even.
    """

    def __init__(self, soak: Soak, evidence: Evidence) -> None:
        self.counts: dict[str, int] = {}
        self.losses: list[Loss] = []
        self._soak = soak
        self._evidence = evidence
        self._matching = Matching(soak.ledger, evidence)
        self._made = soak.outcome.made
        self._mended = 0
        self._whole = 0
        self._lost = 0
        for part in (self._calls, self._records, self._messages, self._disk, self._requests, self._end):
            part()

    @property
    def holds(self) -> bool:
        """Whether nothing is lost."""
        return not self.losses

    def by_fault(self, kind: str) -> dict[str, int]:
        """How many losses of a kind fell in the time of which fault."""
        return dict(Counter(loss.near or "no fault" for loss in self.losses if loss.kind == kind).most_common())

    # -- the parts

    def _calls(self) -> None:
        ledger = self._soak.ledger
        ends = Counter("broken" if entry.went_wrong else entry.end for entry in ledger.entries)
        cut = sum(entry.went_wrong for entry in ledger.answered)
        self.counts |= {
            "faults made": len(self._made),
            "calls offered": len(ledger.entries),
            "calls answered": len(ledger.answered),
            "calls that went as meant": ends["done"],
            "calls that found the line busy": ends["busy"],
            "calls that were not answered, or found no exchange": ends["broken"] - cut,
            "calls that were cut": cut,
        }
        for entry in ledger.entries:
            if entry.went_wrong and not self._near(entry.offered_at, entry.ended_at):
                self._lose("calls that broke without a fault", f"{_named(entry)}: {entry.end}")

    def _records(self) -> None:
        self.counts["records of calls"] = len(self._evidence.calls)
        self.counts["records without a caller's number"] = sum(not call.number for call in self._evidence.calls)
        for entry in self._soak.ledger.answered:
            if not self._matching.calls_of(entry) and not self._killed_just_after(entry):
                near = self._near(entry.offered_at, entry.ended_at)
                self._lose("answered calls without a record", _named(entry), near)
        for call in self._evidence.calls:
            if call.ended_at is None:
                self._lose("records without an end", f"call {call.id}")

    def _killed_just_after(self, entry: Entry) -> bool:
        """Whether the daemon was killed before the record can have been written."""
        kills = [made.began for made in self._made if made.name in {"kill-daemon", "kill-both"}]
        return any(-JUST_AFTER <= began - entry.answered_at <= JUST_BEGUN for began in kills)

    def _messages(self) -> None:
        spoken = self._soak.ledger.spoken
        self.counts |= {
            "messages spoken": len(spoken),
            "messages that must be stored": sum(one.must_be_stored for one in spoken),
            "rows of messages": len(self._evidence.messages),
        }
        for message in self._matching.foreign:
            self._lose("messages of nobody", f"message {message.id} of {message.number!r} in call {message.call}")
        for entry in self._soak.ledger.entries:
            self._messages_of(entry, self._matching.messages_of(entry))
        self.counts |= {
            "messages stored whole": self._whole,
            "messages stored but for their end": self._mended,
            "messages lost": self._lost,
        }

    def _messages_of(self, entry: Entry, rows: list[VoiceMessage]) -> None:
        sure = [one for one in entry.spoken if one.must_be_stored]
        if len(rows) > len(entry.spoken):
            near = self._near(entry.offered_at, entry.ended_at)
            self._lose("messages stored twice", f"{_named(entry)}: {len(rows)} for {len(entry.spoken)}", near)
        elif len(rows) < len(sure):
            self._lost += len(sure) - len(rows)
            for one in sure[len(rows) :]:
                self._lose("messages lost", self._lost_words(entry, one), self._near(one.began, one.over))
        pairs = entry.spoken if len(rows) == len(entry.spoken) else sure
        for one, row in zip(pairs, rows, strict=False):
            self._compare(entry, one, row)

    def _lost_words(self, entry: Entry, one: Spoken) -> str:
        calls = self._matching.calls_of(entry)
        files = [str(path.relative_to(self._soak.house.state)) for call in calls
                 for path in self._evidence.recorded_in(call.id)]  # fmt: skip
        ends = ", ".join(call.end_reason for call in calls) or "no record"
        left = ", ".join(files) or "nothing"
        return f"{_named(entry)}: {one.seconds:g} s spoken; the call: {ends}; on the disk: {left}"

    def _compare(self, entry: Entry, one: Spoken, row: VoiceMessage) -> None:
        """A row, its file, and what was said."""
        near = self._near(one.began, one.over)
        path = self._soak.house.folder / row.path
        if not path.is_file():
            self._lose("rows without a recording", f"{_named(entry)}: {row.path}", near)
            return
        try:
            heard = tone.listen(path, entry.number)
        except tone.UNPLAYABLE as error:
            self._lose("recordings that cannot be played", f"{_named(entry)}: {error}", near)
            return
        if abs(heard.seconds - row.seconds) > _SAME_LENGTH:
            words = f"{_named(entry)}: the row says {row.seconds:.2f} s, the file has {heard.seconds:.2f} s"
            self._lose("rows that are not their recording's length", words, near)
        missing = one.seconds - heard.voiced
        self._whole += missing <= _EXACT
        self._mended += missing > _EXACT
        if missing > self._may_miss(one, near) or missing < -_EXACT:
            words = f"{_named(entry)}: {one.seconds:.2f} s spoken, {heard.voiced:.2f} s of it stored"
            self._lose("recordings that lack more than they may, or have too much", words, near)
        if heard.own < _PURE:
            self._lose("recordings of another voice", f"{_named(entry)}: {heard.own:.0%} is the caller's", near)

    @staticmethod
    def _may_miss(one: Spoken, near: str) -> float:
        if near:
            return ON_ITS_WAY + UNWRITTEN + _EXACT
        return ON_ITS_WAY + _EXACT if one.cut else _EXACT

    def _disk(self) -> None:
        state = self._soak.house.state
        known = {str(self._soak.house.folder / row.path) for row in self._evidence.messages}
        for path in self._evidence.files:
            where = f"{path.relative_to(state)} ({self._evidence.files[path]} bytes)"
            if path in self._evidence.incoming:
                self._lose("files left in incoming", where, self._near_file(path.name))
            elif path.suffix == ".json":
                if path.with_suffix(".wav") not in self._evidence.files:
                    self._lose("notes without a recording", where, self._near_file(path.name))
            elif path.with_suffix(".json") not in self._evidence.files:
                self._lose("recordings without a note", where, self._near_file(path.name))
            elif str(path) not in known:
                self._lose("recordings without a row", where, self._near_file(path.name))

    def _near_file(self, name: str) -> str:
        """The fault in whose time the call fell that a file is of."""
        entry = next(
            (entry for call, entry in self._matching.entry_of_call.items() if name.startswith(call)), None
        )
        return self._near(entry.offered_at, entry.ended_at) if entry else ""

    def _requests(self) -> None:
        for fate, count in self._soak.requests.fates.items():
            self.counts[f"requests {fate.replace('_', ' ')}"] = count

    def _end(self) -> None:
        outcome = self._soak.outcome
        for trouble in self._soak.house.troubles:
            self._lose("troubles", trouble)
        for line in outcome.unanswered:
            self._lose("lines that are dead at the end", f"line {line}")
        for words in outcome.left_over:
            self._lose("processes left over", words)
        if outcome.exit_status:
            self._lose("exit status", f"the daemon's last one was {outcome.exit_status}")
        for name, measured in outcome.measured.items():
            for leak in leaks.of(name, measured):
                self._lose("leaks", leak)

    # -- within

    def _near(self, began: float, over: float) -> str:
        """The faults in whose time this fell."""
        return ", ".join(dict.fromkeys(made.name for made in self._made_between(began, over)))

    def _made_between(self, began: float, over: float) -> Iterator[Made]:
        for made in self._made:
            if made.began - NEAR_BEFORE <= over and began <= made.over + NEAR_AFTER:
                yield made

    def _lose(self, kind: str, what: str, near: str = "") -> None:
        self.losses.append(Loss(kind, what, near))

    @property
    def kinds(self) -> dict[str, list[Loss]]:
        """The losses, by kind."""
        kinds: defaultdict[str, list[Loss]] = defaultdict(list)
        for loss in self.losses:
            kinds[loss.kind].append(loss)
        return dict(kinds)


def _named(entry: Entry) -> str:
    return f"caller {entry.caller} on line {entry.line} ({entry.manner})"
