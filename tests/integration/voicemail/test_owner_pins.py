"""What becomes of PINs outside of calls: no log has one, and a command makes their hashes."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from ctportd.pins.hashing import hash_pin

if TYPE_CHECKING:
    from support.system import Finished, StartSystem


def heard(finished: Finished) -> list[str]:
    """The prompts that were played."""
    assert finished.status == 0, finished
    return [line["prompt"] for line in finished.happenings if line["event"] == "played"]


async def test_no_log_tells_a_pin(start_system: StartSystem) -> None:
    """Not that of the daemon, nor that of ctserver, however much they are asked to tell; not key by key either."""
    system = await start_system(
        ["voicemail:100"], plugins={"voicemail": {"mailboxes": {"100": {"pin": hash_pin("907315248")}}}}
    )
    called = await system.phone(
        1, "wait", "2", "press", "*", "until", "vm-enter-pin", "press", "907315248#", "until", "goodbye"
    )
    assert "vm-no-messages" in heard(called)
    told_by_ctserver = map(json.loads, (system.state / "ctserver.log").read_text().splitlines())
    keys = [line for line in told_by_ctserver if line.get("event_name") == "dtmf"]
    assert len(keys) == len("*907315248#")
    assert {tuple(key["words"]) for key in keys} == {("?",)}
    collected = [line for line in system.log_lines if line["event"] == "reply" and line["request"] == "ctcollect"]
    assert collected
    for line in collected:
        assert (line["status"], "reply" in line) == ("OK", False), line
    logs = list(system.state.glob("*.log"))
    assert {log.name for log in logs} == {"ctportd.log", "ctserver.log"}
    for log in logs:
        assert "907315248" not in log.read_text(), log


async def test_command_prints_a_hash(start_system: StartSystem) -> None:
    """``ctportd pin`` makes what the configuration takes, and refuses what is no PIN."""
    system = await start_system(["voicemail"])
    made = await system.run("pin", "--pin", "4711")
    assert made.status == 0, made
    assert made.out.startswith("scrypt:32768:8:1:")
    refused = await system.run("pin", "--pin", "47")
    assert refused.status == 64
    assert "a PIN is 4 to 12 digits" in refused.err
