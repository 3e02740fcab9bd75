"""What the attendant answers ``ctportd check`` and ``ctportd explain``: what is wrong with menus, where they lead."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from support.attendant import menus, settings

from ctportd.calls.caller import Caller
from ctportd.calls.files import Prompts
from ctportd.errors import StoreError
from ctportd.hooks.inquiry import Explanation, Inquiry
from ctportd.pins.hashing import hash_pin
from plugins.auto_attendant import check_settings, check_target, explain_call, takes_all
from plugins.auto_attendant.calendars import Calendars
from plugins.auto_attendant.overrides import FAMILY
from plugins.auto_attendant.schedule import Override

if TYPE_CHECKING:
    from pathlib import Path

    from plugins.auto_attendant.settings import Settings

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)


class Site:
    """An installation with the mailboxes 100 and 123, and a store with what the test keeps there."""

    def __init__(self, *handlers: str, folder: Path | None = None) -> None:
        self.handlers = {f"main:{number}": [handler] for number, handler in enumerate(handlers, 1)}
        self.prompts = Prompts([folder] if folder else [])
        self.store = self
        self.kept: dict[str, Override] = {}
        self.broken = False

    def check_handler(self, handler: str) -> str:
        """What is wrong with a handler."""
        plugin, _, mailbox = handler.partition(":")
        if plugin != "voicemail":
            return f"there is no plugin {plugin!r}"
        return "" if mailbox in ("", "100", "123") else f"there is no mailbox {mailbox!r}"

    async def explain(self, handler: str, inquiry: Inquiry) -> Explanation:
        """What voicemail would do."""
        assert inquiry.keys == ()
        return Explanation([f"takes a message as {handler}"])

    async def family(self, family: str, type: type[Override]) -> dict[str, Override]:  # noqa: A002 - as the store has it
        """What was set by telephone."""
        assert (family, type) == (FAMILY, Override)
        if self.broken:
            raise StoreError("the database is locked")
        return self.kept


async def found(table: Settings, place: Site) -> list[tuple[str, str, bool]]:
    """What is wrong, without the name of the plugin's table."""
    return [
        (problem.where.replace("plugins.auto_attendant", "aa"), problem.what, problem.serious)
        for problem in await check_settings(table, place)  # type: ignore[arg-type]  # as much of a site as is needed
    ]


async def test_good_menus_are_good() -> None:
    """Nothing is told of menus with which nothing is wrong."""
    table = settings(
        menus={
            "main": {"prompt": "menu-main", "keys": {"1": "voicemail:100", "2": "menu:hours"}},
            "hours": {"prompt": "menu-hours", "again": "closed menu-hours", "keys": {"*": "back"}},
        }
    )
    assert await found(table, Site("auto_attendant", "voicemail")) == []
    assert await found(table, Site("voicemail")) == []
    assert [check_target(name, table) for name in ("", "hours")] == [None, None]
    assert check_target("huors", table) == "there is no menu 'huors'; did you mean 'hours'?"
    assert (takes_all("", table), takes_all("huors", table)) == (True, False)


async def test_what_callers_would_meet_is_told(tmp_path: Path) -> None:
    """Dead ends, circles, handlers, prompts, hours: each with table and key, and hints apart from mistakes."""
    calendar = tmp_path / "broken.ics"
    calendar.write_text("nonsense")
    table = settings(
        menus={
            "main": {"prompt": "menu-main", "keys": {
                "1": "voicmail:100", "2": "menu:round", "3": {"to": "station:7", "say": "nosuch"}, "4": "transfer:204",
                "5XX": "voicemail:{keys}", "1XX": "voicemail:{keys}", "9.": "transfer:{rest}",
            }, "give_up": "menu:silent"},
            "round": {"prompt": "beep nosuch", "keys": {"1": "menu:round", "*": "repeat"}, "extensions": False},
            "silent": {"prompt": "beep", "give_up": "menu:main", "extensions": False},
            "alone": {"prompt": "beep", "keys": {"1": "hangup", "20": "hangup"}},
            "told": {"prompt": "beep", "extensions": False},
        },
        extensions={"20": "voicemail:100", "200": {"name": "Ada", "mailbox": "199"}, "42": "auto_attendant:told"},
        hours={"office": {"week": {"daily": "00:00-24:00"}, "calendar": str(calendar)}, "never": {}},
    )  # fmt: skip
    told = await found(table, Site("auto_attendant"))
    unread = "Content line could not be parsed into parts: 'nonsense': Invalid content line"
    assert [problem for problem in told if problem[2]] == [
        ("[aa.menus.round] keys", "no way out: whatever is chosen here or further on leads to menus only", True),
        ("[aa.menus.main] keys, '1'", "'voicmail:100': there is no plugin 'voicmail'", True),
        ("[aa.menus.main] keys, '3'", "'station:7': there is no port '7'", True),
        ("[aa.menus.main] keys, '5XX'", "'voicemail:{keys}': no keys lead anywhere: there is no mailbox '599'", True),
        ("[aa.extensions] '200'", "'voicemail:199': there is no mailbox '199'", True),
        ("[aa.extensions] '200', rescue", "'voicemail:199': there is no mailbox '199'", True),
        ("[aa.extensions] '42'", "'auto_attendant:told': there is no plugin 'auto_attendant'", True),
        ("[aa.menus.round] prompt", "there is no prompt 'nosuch' in any of the folders of prompts", True),
        ("[aa.menus.main] keys, '3'", "there is no prompt 'nosuch' in any of the folders of prompts", True),
        ("[aa.hours.office] calendar", f"{str(calendar)!r} cannot be read: {unread}", True),
    ]  # fmt: skip
    round_ = "who presses nothing goes round until each has given up twice:"
    after = "it acts after 2 s ('between'), or at once with '#'"
    no_rescue = "has no 'rescue': who finds the number busy is not brought back"
    costs = "lets callers dial any number that goes on from '9.', at your cost"
    assert [problem[:2] for problem in told if not problem[2]] == [
        ("[aa.menus.main] give_up", f"{round_} main, silent, main"),
        ("[aa.menus.main] keys", f"the entry 1 is the beginning of the entry 1XX: {after}"),
        ("[aa.menus.main] keys", f"the entry 2 is the beginning of extension 20, extension 200: {after}"),
        ("[aa.menus.main] keys", f"the entry 4 is the beginning of extension 42: {after}"),
        ("[aa.menus.main] keys", f"extension 20 is the beginning of extension 200: {after}"),
        ("[aa.menus.silent] give_up", f"{round_} silent, main, silent"),
        ("[aa.menus.silent] keys", "a dead end: nothing can be chosen here"),
        ("[aa.menus.alone]", "no port and no other menu leads here"),
        ("[aa.menus.alone] keys", f"the entry 20 is the beginning of extension 200: {after}"),
        ("[aa.menus.alone] keys", "the extension 20 cannot be dialled here: the menu has an entry '20' of its own"),
        ("[aa.menus.told] keys", "a dead end: nothing can be chosen here"),
        ("[aa.menus.main] keys, '4'", f"'transfer:204' {no_rescue}"),
        ("[aa.menus.main] keys, '9.'", f"'transfer:{{rest}}' {no_rescue}"),
        ("[aa.menus.main] keys, '9.'", f"'transfer:{{rest}}' {costs}"),
        ("[aa.hours.office]", "no menu has a 'when' by these hours"),
        ("[aa.hours.office] week", "it is never closed, but on holidays"),
        ("[aa.hours.never]", "no menu has a 'when' by these hours"),
        ("[aa.hours.never] week", "it is never open"),
    ]  # fmt: skip


async def test_prompts_that_a_language_lacks_are_told(tmp_path: Path) -> None:
    """They are played in the plain one; those that a folder of the language has are not told of."""
    (tmp_path / "de").mkdir()
    (tmp_path / "de" / "menu-main.au").touch()
    table = settings(
        menus={
            "main": {
                "prompt": "menu-main beep",
                "keys": {"1": {"to": "hangup", "language": "de"}, "2": "language:fr"},
            }
        }
    )
    told = await found(table, Site("auto_attendant", folder=tmp_path))
    plain = ": the plain ones are played"
    assert [problem for problem in told if problem[0] == "[aa]"] == [
        ("[aa]", f"the language 'de' lacks beep, goodbye, invalid-key, no-key{plain}", False),
        ("[aa]", f"the language 'fr' lacks beep, goodbye, invalid-key, menu-main, no-key{plain}", False),
    ]  # fmt: skip


# -- explaining


OFFICE = settings(
    menu="start",
    rescue="voicemail:100",
    hours={"office": {"zone": "Europe/Berlin", "week": {"mon-fri": "09:00-17:00"}, "holidays": ["12-25"]}},
    extensions={
        "200": {"name": "Ada Lovelace", "to": "station:3", "mailbox": "123"},
        "201": {"name": "Ada Byron", "to": "transfer:201"},
    },
    menus=menus(
        start={"when": [{"hours": "office", "to": "menu:day"}], "else": "menu:night"},
        day={"keys": {"1": "menu:sales", "2": {"to": "repeat", "language": "de"}, "9": "names"}, "tries": 2},
        sales={
            "keys": {"1": "voicemail:123", "0": "transfer:204", "*": "back", "7XX": "voicemail:{rest}"},
            "pin": hash_pin("4711"),
        },
        deaf={"keys": {"3": "repeat"}, "barge_in": False, "extensions": False},
        night={"keys": {"1": "voicemail:100"}, "no_key_to": "voicemail:100", "extensions": False},
    ),
)


async def explained(at: str, *keys: str, place: Site | None = None, menu: str = "") -> list[str]:
    """What is told of a call at a time in Berlin."""
    inquiry = Inquiry(Caller("5550100"), "main:1", datetime.fromisoformat(at), keys=keys)
    told = await explain_call(inquiry, menu, OFFICE, place or Site())  # type: ignore[arg-type]  # as above
    assert told.takes
    return told.lines


async def test_hours_menu_and_keys_are_told() -> None:
    """Which hours are in which state and why, which menu is played, where each answer leads, what else there is."""
    assert await explained("2026-11-24 10:00+01:00", "3", "1", "1", "*", "200") == [
        "hours office: open at Tue 2026-11-24 10:00 CET: tue 09:00-17:00",
        "menu start: office is open (tue 09:00-17:00): menu:day",
        "menu day: plays day",
        "3: invalid-key",
        "1: entry 1: menu:sales",
        "menu sales: plays sales, for who knows its PIN",
        "1: entry 1: voicemail:123",
        "  takes a message as voicemail:123",
        "menu sales: plays sales, for who knows its PIN",
        "*: entry *: back",
        "menu day: plays day",
        "200: extension 200: station:3; where nobody answers voicemail:123",
    ]
    assert await explained("2026-12-25 10:00+01:00") == [
        "hours office: holiday at Fri 2026-12-25 10:00 CET: holiday 12-25",
        "menu start: else: menu:night",
        "menu night: plays night",
        "  1: voicemail:100",
        "  no key for 10 s, 3 times: voicemail:100",
    ]
    assert (await explained("2026-12-25 10:00+01:00", "2", "", "", menu="night"))[2:] == [
        "2: invalid-key",
        "no key: no-key",
        "no key: no-key",
        "menu night gives up: voicemail:100",
        "  takes a message as voicemail:100",
    ]


async def test_keys_count_as_in_a_call() -> None:
    """What is typed on after an entry is for the next menu, if that lets keys cut it short; a bad target is no entry."""
    assert (await explained("2026-11-24 10:00+01:00", "1*3", "1", "799", "1#1"))[3:] == [
        "1: entry 1: menu:sales",
        "menu sales: plays sales, for who knows its PIN",
        "*: entry *: back",
        "menu day: plays day",
        "3: invalid-key",
        "1: entry 1: menu:sales",
        "menu sales: plays sales, for who knows its PIN",
        "799: there is no mailbox '99': invalid-key",
        "1: entry 1: voicemail:123",
        "  takes a message as voicemail:123",
        "menu sales: plays sales, for who knows its PIN",
        "  1: voicemail:123",
        "  0: transfer:204; where nobody answers voicemail:100",
        "  *: back",
        "  7XX: voicemail:{rest}",
        "  200: station:3; where nobody answers voicemail:123",
        "  201: transfer:201; where nobody answers voicemail:100",
        "  no key for 10 s, 3 times: hangup",
    ]
    assert (await explained("2026-11-24 10:00+01:00", "31", menu="deaf"))[1:] == [
        "menu deaf: plays deaf",
        "3: entry 3: repeat",
        "menu deaf: plays deaf",
        "  3: repeat",
        "  no key for 10 s, 3 times: hangup",
    ]


async def test_names_and_overrides_are_told() -> None:
    """Letters and a choice; what was set by telephone, and the hours where the store cannot be read."""
    place = Site()
    place.kept["office"] = Override("open", NOON, by="5550123")
    told = await explained("2026-12-25 10:00+01:00", "9", "232", "2", "1", place=place)
    assert told[:1] + told[3:] == [
        "hours office: open at Fri 2026-12-25 10:00 CET: set by telephone from 5550123 until it is undone",
        "9: entry 9: names",
        "letters 232: 1 for 201 (Ada Byron), 2 for 200 (Ada Lovelace)",
        "2: extension 200: station:3; where nobody answers voicemail:123",
    ]
    place.broken = True
    assert (await explained("2026-12-25 10:00+01:00", "2", place=place))[:1] == [
        "hours office: holiday at Fri 2026-12-25 10:00 CET: holiday 12-25"
    ]


def test_calendar_is_read_again_when_it_changes(tmp_path: Path, log_lines: list[dict[str, Any]]) -> None:
    """A broken file leaves the last good one in force, and is told of once; one that is not there is no holiday."""
    path = tmp_path / "holidays.ics"
    office = settings(hours={"office": {"zone": "UTC", "calendar": str(path)}}).hours["office"]
    day = "BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\nBEGIN:VEVENT\nUID:1\nDTSTART;VALUE=DATE:20261124\nSUMMARY:{}\n"
    known = Calendars()
    assert known.event_at(office, NOON) is None
    path.write_text(day.format("One") + "END:VEVENT\nEND:VCALENDAR\n")
    assert known.event_at(office, NOON) == "One"
    path.write_text(day.format("broken"))
    assert [known.event_at(office, NOON) for _ in range(3)] == ["One"] * 3
    path.write_text(day.format("Three") + "END:VEVENT\nEND:VCALENDAR\n")
    assert known.event_at(office, NOON) == "Three"
    told = [(line["log_level"], line.get("so", "")) for line in log_lines]
    assert told == [
        ("error", "none of its holidays are known"),
        ("info", ""),
        ("error", "the last good one is in force"),
        ("info", ""),
    ]
