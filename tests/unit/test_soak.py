"""What judges the soak: it must hear whose voice a recording is, find whose row a row is, and tell a leak."""

from __future__ import annotations

import itertools
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import soundfile
from soak import leaks, tone
from soak.evidence import Evidence
from soak.ledger import Ledger
from soak.matching import Matching
from soak.run import Measured
from soak.vitals import Vitals

from ctportd.ctserver import g711
from ctportd.records import CallRecord, VoiceMessage

if TYPE_CHECKING:
    from pathlib import Path

    from soak.ledger import Entry

    from ctportd.phone.sound import Samples


def recorded(path: Path, samples: Samples) -> Path:
    """A recording of what was heard over a telephone line."""
    soundfile.write(path, g711.decode(g711.encode(samples)), tone.RATE, subtype="PCM_16")
    return path


def test_a_caller_is_known_by_the_tone(tmp_path: Path) -> None:
    """Silence around it is no sound, and takes nothing from it."""
    silence = np.zeros(tone.RATE, np.int16)
    path = recorded(tmp_path / "a.wav", np.concatenate([silence, tone.voice(7, 2.5), silence]))
    heard = tone.listen(path, 7)
    assert heard.seconds == 4.5
    assert heard.voiced == 2.5
    assert heard.own > 0.98


def test_another_voice_is_noticed(tmp_path: Path) -> None:
    """That of the caller before, or of somebody else for a part of the recording."""
    path = recorded(tmp_path / "a.wav", np.concatenate([tone.voice(7, 2.0), tone.voice(8, 1.0)]))
    assert 0.5 < tone.listen(path, 7).own < 0.8
    assert tone.listen(path, 9).own < 0.01


def test_callers_in_a_row_have_tones_far_apart() -> None:
    """A tone comes again after more calls than can be under way."""
    pitches = [tone.pitch(number) for number in range(112)]
    assert len(set(pitches)) == 112
    assert all(abs(one - next_one) > 300 for one, next_one in itertools.pairwise(pitches))


def answered(ledger: Ledger, line: int, at: float) -> Entry:
    """A call that was answered."""
    entry = ledger.offer(line, "message_key")
    entry.offered_at, entry.answered_at, entry.ended_at, entry.end = at, at + 1, at + 5, "done"
    return entry


def test_rows_are_found_by_number_or_by_line_and_time() -> None:
    """Caller ID may not have been heard, and a call's record may be lost: its message is the caller's all the same."""
    ledger = Ledger()
    first, second, other = answered(ledger, 1, 1000), answered(ledger, 1, 1010), answered(ledger, 2, 1010)
    began = datetime.fromtimestamp(1011, UTC)
    call = CallRecord("20261124-100000-1-aaaaaa", "main:1", began, answered_at=began, ended_at=began)
    message = VoiceMessage("100", call.id, began, 2.0, "a.wav")
    lonely = VoiceMessage("100", "20261124-100000-2-bbbbbb", began, 2.0, "b.wav")
    numbered = VoiceMessage("100", "20261124-100000-1-cccccc", began, 2.0, "c.wav", number=first.caller)
    nobodys = VoiceMessage("100", "20261124-100000-3-dddddd", began, 2.0, "d.wav")
    matching = Matching(ledger, Evidence([call], [message, lonely, numbered, nobodys], {}, {}, {}))
    assert matching.calls_of(second) == [call]
    assert matching.messages_of(second) == [message]
    assert matching.messages_of(other) == [lonely]
    assert matching.messages_of(first) == [numbered]
    assert matching.foreign == [nobodys]


def test_a_leak_is_what_grows_more_than_a_pool_does() -> None:
    """Tasks count where the daemon tells of them."""
    start = Vitals(7, fds=20, rss_kb=80_000, threads=8, tasks=30)
    assert list(leaks.of("daemon", Measured(start, Vitals(7, 25, 84_000, 10, 31)))) == []
    found = list(leaks.of("daemon", Measured(start, Vitals(7, 60, 84_000, 10, 90))))
    assert found == [
        "daemon (pid 7): fds 20 at first, 60 at the end",
        "daemon (pid 7): tasks 30 at first, 90 at the end",
    ]
