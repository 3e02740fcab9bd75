"""docs/office.md: calls to the office that its blocks make, put together, go as it tells."""

from __future__ import annotations

import shlex
import time
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.documents import blocks, code_blocks
from support.pages.comparing import is_shown

from ctportd.phone.script import Script
from ctportd.phone.steps import parse_steps

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ctportd.testing import Line, Telephone

PAGE = "docs/office.md"

TUESDAY, ASCENSION_DAY = "2026-11-24 10:00+01:00", "2027-05-06 10:00+02:00"


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, Any]]:
    """The folder of an office in Berlin, with the files of the page; returns the configuration."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    toml = "\n".join(code_blocks(PAGE, "toml"))
    (holidays,) = code_blocks(PAGE, "ics")
    Path("holidays.ics").write_text(holidays)
    yield tomllib.loads(toml)
    monkeypatch.undo()
    time.tzset()


async def speak_a_greeting(phone: Telephone) -> None:
    """Grace calls, and goes the way that the page tells."""
    await phone.hear("aa-for-support")
    await phone.press("303")
    await phone.hear_begin("vm-mailbox")
    await phone.press("*")
    await phone.hear("vm-enter-pin")
    await phone.press("1357#04")
    await phone.recorded()
    await phone.say(seconds=2)
    await phone.press("#1")
    await phone.hang_up()


async def test_calls_to_the_office(ctportd_line: Line, office: dict[str, Any]) -> None:
    """By day to Grace, who then speaks a temporary greeting, and to two deep; a holiday, and a caller who is blocked."""
    tables = {"numbers": office["numbers"], "mail": office["mail"] | {"host": "127.0.0.1", "port": 1}}
    handlers = {port["number"]: port["handlers"] for port in office["port"]}
    house = await ctportd_line(handlers, settings=office["plugins"], **tables)

    async def call(at: str, number: str = "03023125100") -> Telephone:
        house.clock.set(at)
        return await house.call(1, number=number, name="Alan Turing")

    (session,) = [block for block in blocks(PAGE) if " phone " in block.text]
    ((command, shown),) = session.commands
    phone = await call(TUESDAY)
    await Script(parse_steps(shlex.split(command)[9:])).run(phone._phone)
    await house.idle()
    assert is_shown(phone.story, shown), phone.story

    await speak_a_greeting(await call(TUESDAY))
    await house.idle()

    phone = await call(TUESDAY)
    await phone.hear("aa-by-name", "press")
    await phone.press("8")
    await phone.hear("aa-names")
    await phone.press("4721")
    await phone.hear("temporary", "beep")
    await phone.hang_up()
    await house.idle()

    phone = await call(TUESDAY)
    await phone.hear("aa-welcome")
    await phone.press("22")
    await phone.recorded()
    await phone.say(seconds=2)
    await phone.press("#")
    await phone.hear("vm-thanks", "aa-leave-message")
    await phone.hang_up()
    await house.idle()

    phone = await call(ASCENSION_DAY)
    await phone.hear("aa-closed", "aa-leave-message")
    await phone.hang_up()
    await house.idle()

    phone = await call(TUESDAY, "+49 30 23125199")
    await phone.ended()
    assert phone.heard == ["cid-sit", "cid-rejected"]
    assert [message.mailbox for message in await house.messages()] == ["103", "103"]
    assert (await house.status()).mail.waiting == 2
    assert sorted(call.verdict for call in await house.calls()) == ["blocked", *["screened"] * 5]
