"""The attendant's settings, the way through its menus, its calendar and its names: all without a line."""

from __future__ import annotations

import re
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pytest
from support.attendant import menus, settings

from ctportd.errors import ConfigError
from ctportd.pins.hashing import hash_pin
from plugins.auto_attendant.actions import Action, read_action
from plugins.auto_attendant.arriving import arrive
from plugins.auto_attendant.calendars import CalendarError, Holidays, read
from plugins.auto_attendant.directory import find, keys_of, words
from plugins.auto_attendant.schedule import State
from plugins.auto_attendant.settings import Menu, Settings
from plugins.auto_attendant.walking import Entries, Path, Patience

if TYPE_CHECKING:
    import pathlib

OPEN, CLOSED, HOLIDAY = State("open", "tue"), State("closed", "sun"), State("holiday", "12-25")


# -- what may be written


def test_simple_menus_stay_simple() -> None:
    """What was written before there was more than this."""
    old = settings(
        menu="main",
        menus={
            "main": {
                "prompt": "menu-main", "wait": 6, "tries": 3, "give_up": "hangup", "invalid": "invalid-key",
                "no_key": "no-key",
                "keys": {"1": "voicemail:100", "2": "menu:hours", "0": "transfer:204", "*": "hangup"},
            },
            "hours": {"prompt": "menu-hours", "keys": {"1": "voicemail:100", "*": "menu:main"}},
        },
    )  # fmt: skip
    assert old.menus["main"].way("0").to == "transfer:204"
    assert (old.menus["hours"].wait, old.menus["hours"].between, old.menus["hours"].end) == (10, 2, "#")
    assert settings() == Settings()


@pytest.mark.parametrize(
    ("table", "told"),
    [
        ({"menus": menus(main={"keys": {"1": "menu:mian"}})},
         "[plugins.auto_attendant]: menus.main, keys, '1': there is no menu 'mian'; did you mean 'main'?"),
        ({"menus": menus(main={"key": {}})}, "[plugins.auto_attendant.menus.main]: there is no key 'key'; did you"),
        ({"menus": {"main": {"keys": {}}}}, "[plugins.auto_attendant.menus.main]: the key 'prompt' is missing"),
        ({"menus": menus(main={"keys": {"1Y": "hangup"}})}, "found 'Y' in the entry '1Y'"),
        ({"menus": menus(main={"keys": {"1": "back:2"}})}, "keys, '1': found 'back:2', but nothing stands behind"),
        ({"menus": menus(main={"keys": {"1": "menu:"}})}, "keys, '1': found 'menu:', expected 'menu:' and what"),
        ({"menus": menus(main={"keys": {"1": "transfer:2x4"}})}, "a number is digits"),
        ({"menus": menus(main={"keys": {"1": {"to": "hangup", "rescu": "x"}}})},
         "[plugins.auto_attendant.menus.main.keys.1]: there is no key 'rescu'; did you mean 'rescue'?"),
        ({"menus": menus(main={"keys": {"1": {"say": "x"}}})}, "menus.main.keys.1]: to: nothing is written"),
        ({"menus": menus(main={"keys": {"1XX": "voicemail:{kyes}"}})}, "found '{kyes}' in 'voicemail:{kyes}', expected"),
        ({"menus": menus(main={"give_up": "voicemail:{keys}"})}, "give_up: found 'voicemail:{keys}', but"),
        ({"menus": menus(main={"wait": 0})}, "menus.main] wait: found 0, expected a whole number"),
        ({"menus": menus(main={"end": "5"})}, "menus.main] end: found '5', expected one of"),
        ({"menus": menus(main={"pin": "4711"})}, "menus.main] pin: found '4711', expected text"),
        ({"menus": menus(main={"when": [{"hours": "offce", "to": "hangup"}]}), "hours": {"office": {}}},
         "menus.main, when, item 1: there is no hours 'offce'; did you mean 'office'?"),
        ({"menus": menus(main={"when": [{"hours": "office", "to": "hangup", "is": "shut"}]})},
         "is: found 'shut', expected one of 'closed', 'holiday', 'open'"),
        ({"menus": menus(main={"keys": {"9": "override:office"}}), "hours": {"office": {}}},
         "menus.main, keys, '9': 'override:office' has no PIN: anybody could set them"),
        ({"menus": menus(main={"pin": hash_pin("4711"), "else": "override:office"}), "hours": {"office": {}}},
         "menus.main, else: 'override:office' has no PIN: anybody could set them"),
        ({"menus": menus(main={}), "menu": "mian"}, "menu: there is no menu 'mian'; did you mean 'main'?"),
        ({"extensions": {"2x": "hangup"}}, "extensions: found the extension '2x', expected digits"),
        ({"extensions": {"200": {"name": "Ada"}}}, "[plugins.auto_attendant.extensions.200]: the key 'to' is missing"),
        ({"extensions": {"200": "menu:sales"}}, "extensions, '200': there is no menu 'sales'"),
        ({"hours": {"office": {"week": {"mon": "9-17"}}}}, "[plugins.auto_attendant.hours.office]: week, 'mon': found"),
        ({"rescue": "menu:"}, "[plugins.auto_attendant]: rescue: found 'menu:'"),
    ],
)  # fmt: skip
def test_mistakes_are_told(table: dict[str, Any], told: str) -> None:
    """One sentence with table and key, and the nearest name."""
    with pytest.raises(ConfigError, match=re.escape(told)):
        settings(**table)


def test_override_is_guarded_by_either_pin() -> None:
    """That of the hours, or that of the menu in which it stands."""
    pin = hash_pin("4711")
    keys = {"keys": {"9": "override:office"}}
    assert settings(menus=menus(main=keys), hours={"office": {"pin": pin}}).hours["office"].pin == pin
    assert settings(menus=menus(main=keys | {"pin": pin}), hours={"office": {}}).menus["main"].pin == pin


def test_actions_are_written_as_they_are_read() -> None:
    """Words of the attendant's own, and whatever else is a plugin."""
    for written in (
        "menu:a",
        "back",
        "top",
        "repeat",
        "names",
        "exit",
        "hangup",
        "transfer:9,5550100",
        "station:main:3",
    ):
        assert str(read_action(written)) == written
        assert read_action(written).verb == written.partition(":")[0]
    assert read_action("voicemail:100") == Action("handler", "voicemail:100")
    assert read_action("menus") == Action("handler", "menus")


# -- where a caller comes to


TIMES = settings(
    menu="start",
    hours={"office": {}, "shop": {}},
    menus=menus(
        start={"when": [
            {"hours": "office", "is": "holiday", "to": "menu:holiday"},
            {"hours": "office", "is": "closed", "to": "voicemail:100"},
            {"hours": "shop", "to": "menu:shop"},
        ], "else": "menu:day"},
        holiday={}, day={"else": "menu:day"}, shop={"when": [{"hours": "shop", "to": "menu:start"}]},
    ),
)  # fmt: skip


@pytest.mark.parametrize(
    ("office", "shop", "action", "reasons"),
    [
        (HOLIDAY, OPEN, "menu:holiday", ["menu start: office is holiday (12-25): menu:holiday"]),
        (CLOSED, OPEN, "voicemail:100", ["menu start: office is closed (sun): voicemail:100"]),
        (OPEN, CLOSED, "menu:day", ["menu start: else: menu:day", "menu day: else: menu:day"]),
        (OPEN, OPEN, "hangup", ["menu start: shop is open (tue): menu:shop", "menu shop: shop is open (tue): menu:start",
                                "menu start: its hours lead round in a circle: hangup"]),
    ],
)  # fmt: skip
def test_hours_lead_to_menus(office: State, shop: State, action: str, reasons: list[str]) -> None:
    """The first that holds counts; a holiday is closed, too; a circle is left."""
    arrival = arrive(TIMES, "start", {"office": office, "shop": shop})
    assert (str(arrival.action), arrival.reasons) == (action, reasons)


def test_way_back_is_the_way_there() -> None:
    """Back to where one came from, whichever way that was; a menu that lies on the way is the way back."""
    path = Path()
    assert path.after(read_action("back")) is None
    for name in ("main", "sales", "europe"):
        path.enter(name)
    assert path.after(read_action("play:x")) == "europe"
    assert path.after(read_action("back")) == "sales"
    path.enter("sales")
    path.enter("europe")
    assert path.after(read_action("menu:sales")) == "sales"
    path.enter("sales")
    assert path.after(read_action("back")) == "main"
    path.enter("main")
    assert path.after(read_action("back")) == "main"
    for name in ("sales", "europe"):
        path.enter(name)
    assert path.after(read_action("top")) == "main"
    assert path.here == "main"
    assert path.after(read_action("exit")) is None


def test_entries_are_filled_in_and_go_before_extensions() -> None:
    """What a pattern leads to knows what was keyed in; extensions go before patterns, and after entries like them."""
    table = settings(
        menus=menus(main={"keys": {
            "8XXX": {"to": "voicemail:{rest}", "rescue": "voicemail:{keys}"}, "20X": "menu:main", "201": "hangup",
        }}, plain={"extensions": False}),
        extensions={"200": {"name": "Ada", "mailbox": "200"}, "201": "transfer:201"},
    )  # fmt: skip

    def chosen(keys: str, menu: str = "main") -> tuple[str, str, bool] | None:
        entries = Entries(table, table.menus[menu])
        keying = entries.keying()
        for key in keys:
            keying.press(key)
        found = entries.chosen(keying)
        return (found.way.to, found.way.rescue, found.extension) if found else None

    assert chosen("8123") == ("voicemail:123", "voicemail:8123", False)
    assert chosen("200") == ("voicemail:200", "voicemail:200", True)
    assert chosen("201") == ("hangup", "", False)
    assert chosen("202") == ("menu:main", "", False)
    assert chosen("200", "plain") is None
    assert Entries(table, table.menus["main"]).hidden == {"201"}


def test_tries_are_counted_together_or_apart() -> None:
    """Without counts of their own, invalid entries and silences share the tries; with them, each has its own."""

    def tries(pattern: str, **keys: int) -> int:
        patience = Patience(Menu(prompt="x", **keys))  # type: ignore[arg-type]  # counts
        for count, what in enumerate(pattern, 1):
            if patience.lose(invalid=what == "i"):
                return count
        return 0

    assert tries("ini", tries=3) == 3
    assert tries("iiinn", invalid_tries=4, no_key_tries=2) == 5
    assert tries("iiii", invalid_tries=4, tries=1) == 4
    assert tries("in", invalid_tries=4, tries=1) == 2
    assert tries("nnn", no_key_tries=4, tries=2) == 0


# -- names


def test_names_are_keys() -> None:
    """Whatever the accents; Q and Z are on 7 and 9; any word may come first, and the next one goes on."""
    assert words("Jürgen Łoś-O'Neil") == ["jurgen", "los", "oneil"]
    assert words("Straße Ørsted Ñandú") == ["strasse", "orsted", "nandu"]
    assert keys_of("Qzs Ad") == ["79723", "23797"]
    people = {
        "200": {"name": "Ada Lovelace", "mailbox": "200"}, "201": {"name": "Li Wei", "to": "transfer:201"},
        "202": {"name": "Zoë Quast", "to": "transfer:202"}, "203": "transfer:203", "204": {"mailbox": "204"},
        "205": {"name": "Adele Kerr", "to": "hangup"},
    }  # fmt: skip
    extensions = settings(extensions=people).extensions
    assert list(find(extensions, "568")) == ["200"]
    assert list(find(extensions, "232")) == ["200"]
    assert list(find(extensions, "23")) == ["200", "205"]
    assert list(find(extensions, "549")) == ["201"]
    assert list(find(extensions, "78")) == ["202"]
    assert list(find(extensions, "963")) == ["202"]
    assert list(find(extensions, "111")) == list(find(extensions, "2")) == []


# -- calendars


def event(*lines: str) -> str:
    """One event of an iCalendar file."""
    return "\r\n".join(["BEGIN:VEVENT", f"UID:{hash(lines)}", *lines, "END:VEVENT", ""])


def calendar(*events: str) -> Holidays:
    """An iCalendar file."""
    text = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//test//\r\n" + "".join(events) + "END:VCALENDAR\r\n"
    return Holidays(text.encode())


def test_calendar_knows_days_times_and_what_comes_again() -> None:
    """Days and times without a zone are those of the hours; rules are followed; what is cancelled is not there."""
    known = calendar(
        event("SUMMARY:Christmas Day", "DTSTART;VALUE=DATE:19701225", "RRULE:FREQ=YEARLY"),
        event("SUMMARY:Stocktaking", "DTSTART;TZID=Europe/Berlin:20261124T140000", "DURATION:PT2H"),
        event("SUMMARY:Outing", "DTSTART:20261125T090000", "DTEND:20261125T120000"),
        event("SUMMARY:Works holiday", "DTSTART;VALUE=DATE:20270801", "DTEND;VALUE=DATE:20270822"),
        event("SUMMARY:Party", "DTSTART;VALUE=DATE:20261201", "STATUS:CANCELLED"),
        event("SUMMARY:Lessons", "DTSTART;VALUE=DATE:20261202", "RRULE:FREQ=WEEKLY;COUNT=3",
              "EXDATE;VALUE=DATE:20261209"),
    )  # fmt: skip

    def at(text: str, zone: str = "Europe/Berlin") -> str | None:
        return known.event_at(datetime.fromisoformat(text).replace(tzinfo=UTC), ZoneInfo(zone))

    assert at("2040-12-24T23:00") == "Christmas Day"
    assert at("2040-12-24T22:59") is None
    assert at("2040-12-25T23:30", "America/New_York") == "Christmas Day"
    assert [at("2026-11-24T13:00"), at("2026-11-24T14:59"), at("2026-11-24T15:00")] == ["Stocktaking"] * 2 + [None]
    assert [at("2026-11-25T08:00"), at("2026-11-25T08:00", "UTC")] == ["Outing", None]
    assert [at("2027-08-15T12:00"), at("2027-08-22T00:00")] == ["Works holiday", None]
    assert at("2026-12-01T12:00") is None
    assert [at(f"2026-12-{day}T12:00") for day in ("02", "09", "16", "23")] == ["Lessons", None, "Lessons", None]


@pytest.mark.parametrize(
    "broken",
    [
        ["DTSTART:99"],
        ["SUMMARY:no start"],
        ["DTSTART:20260101T000000Z", "RRULE:FREQ=NEVERLY"],
        ["DTSTART:20260101T000000Z", "RRULE:FREQ=SECONDLY"],
        ["DTSTART:20260101T000000Z", "RRULE:FREQ=DAILY;INTERVAL=0"],
        ["DTSTART:20260101T000000Z", "RRULE:FREQ=DAILY;BYHOUR=" + ",".join(map(str, range(24)))],
        ["DTSTART:20260101T000000Z", "RRULE:FREQ=YEARLY;BYMINUTE=0,1;BYSECOND=0,1"],
        ["DTSTART:20260101T000000Z", "RRULE:FREQ=YEARLY;BYYEARDAY=" + ",".join(map(str, range(1, 101)))],
        ["DTSTART:20260102T000000Z", "DTEND:20260101T000000Z"],
        ["DTSTART;VALUE=DATE:20260102", "DTEND:20260103T000000Z"],
    ],
)
def test_broken_calendar_is_told(broken: list[str]) -> None:
    """Nothing of it is believed; what would take hours to follow is refused."""
    with pytest.raises(CalendarError, match=r"\w+"):
        calendar(event(*broken))


def test_calendar_that_keeps_callers_waiting_is_refused(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever it is that takes long, it is told when the file is read, and not found out by whoever calls."""
    monkeypatch.setattr(sys.modules[Holidays.__module__], "_LONGEST_SEARCH", 0.1)
    daily = ("DTSTART;VALUE=DATE:19000101", "RRULE:FREQ=DAILY")
    with pytest.raises(CalendarError, match=r"finding one takes more than 0\.1 s"):
        calendar(*[event(f"SUMMARY:{number}", *daily) for number in range(20)])
    huge = tmp_path / "huge.ics"
    with huge.open("wb") as file:
        file.truncate(5 << 20)
    with pytest.raises(CalendarError, match="it has more than 4 MiB"):
        read(huge)


def test_no_calendar_is_told() -> None:
    """An empty file, one of something else, one that is cut off."""
    for content in (b"", b"nonsense", b"\xff\xfe\x00", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\n"):
        with pytest.raises(CalendarError, match=r"\w+"):
            Holidays(content)
