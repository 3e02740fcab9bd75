"""The letter of each week, of how many have called."""

from __future__ import annotations

import asyncio
from datetime import datetime
from typing import TYPE_CHECKING

from ctportd.mail.outbox import Outbox
from plugins.caller_id_log.report import LOOK_EVERY

if TYPE_CHECKING:
    from ctportd.testing import Line

HELLO = """
from ctportd import hookimpl

@hookimpl
async def answer_call(call):
    await call.answer()
    await call.play("hello")
"""


async def test_report_of_the_week_is_mailed(ctportd_line: Line) -> None:
    """On Monday at seven, once, also when the daemon is started anew; it waits for a mail server that is away."""
    house = await ctportd_line(
        {1: ["hello"]},
        plugins=["plugins/caller_id_log", {"hello": HELLO}],
        settings={"caller_id_log": {"report_to": ["ada@example.com"]}},
        mail={"host": "127.0.0.1", "port": 1, "security": "none", "sender": "phone@example.com"},
    )
    house.clock.set("2026-11-24 12:00")
    for _ in range(3):
        phone = await house.call(number="2125550100")
        await phone.hear("hello")
        await phone.ended()
        await house.idle()
    outbox = Outbox(house.daemon.state)
    for moment, letters in (("2026-11-30 06:40", 0), ("2026-11-30 06:55", 1), ("2026-12-01 12:00", 1)):
        house.clock.set(datetime.fromisoformat(moment).astimezone().isoformat())
        await asyncio.sleep(LOOK_EVERY + 1)
        waiting = await asyncio.to_thread(outbox.letters)
        assert len(waiting) == letters
        if letters:  # what is remembered is in the store
            await house.restart()
    (letter,) = waiting
    assert letter.subject == "Calls of 2026-11-23 to 2026-11-29: 3, of which 3 were answered"
    assert "+12125550100" in letter.text
    assert [path.name for path in letter.attachments] == ["calls-2026-11-23.svg"]
