"""The files that docs/reliability.md names are those in which a message is."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from support.documents import blocks

from ctportd.pins.hashing import hash_pin

if TYPE_CHECKING:
    from ctportd.testing import House, Line

FILES = next(block.text for block in blocks("docs/reliability.md") if block.text.startswith("state/"))


async def found(house: House, wanted: str) -> int:
    """How many files there are of the line that has this in it."""
    (line,) = [line for line in FILES.splitlines() if wanted in line]
    names = re.split(r",? +", line.partition("  ")[0])
    folder = names[0].rpartition("/")[0]
    patterns = [re.sub(r"ID|PID|N(?=\.)", "*", name if "/" in name[:-1] else f"{folder}/{name}") for name in names]
    state = house.daemon.state
    return await asyncio.to_thread(
        lambda: sum(bool(list(state.glob(pattern.removeprefix("state/").rstrip("/")))) for pattern in patterns)
    )


async def test_files_of_a_message(ctportd_line: Line) -> None:
    """While it is spoken, when it is there, and what an owner leaves who has chosen a PIN and a greeting."""
    box = {"pin": await asyncio.to_thread(hash_pin, "4711")}
    house = await ctportd_line({1: ["voicemail:100"]}, settings={"voicemail": {"mailboxes": {"100": box}}})
    phone = await house.call(1, number="5550100")
    await phone.recorded()
    await phone.say(seconds=2)
    assert await found(house, "incoming/ID.json") == 1
    assert await found(house, ".part") == 1
    await phone.hang_up()
    await house.idle()
    assert await found(house, "/100/ID.wav") == 2
    phone = await house.call(1, number="5550100")
    await phone.hear_begin("vm-mailbox")
    await phone.press("*")
    await phone.hear("vm-enter-pin")
    await phone.press("4711#05")
    await phone.hear_begin("vm-new-pin")
    await phone.press("2847#")
    await phone.hear_begin("vm-pin-again")
    await phone.press("2847#")
    await phone.hear("vm-pin-changed")
    await phone.press("04")
    await phone.recorded()
    await phone.say(seconds=2)
    await phone.press("#1")
    await phone.hang_up()
    await house.idle()
    assert await found(house, "owner.json") == 2
