"""PINs: hashed at a cost, checked, and locked when somebody guesses."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ctportd.errors import ConfigError, PinLocked, StoreError
from ctportd.hooks.loader import load_plugins
from ctportd.pins.guard import PinGuard
from ctportd.pins.hashing import PIN_HASH, check_hash, hash_pin, matches

if TYPE_CHECKING:
    from ctportd.records import WrongPins

PLUGINS = Path(__file__).parents[2] / "plugins"

HASH = "scrypt:16:1:1:c2FsdHNhbHRzYWx0c2FsdA==:" + "A" * 43 + "="
"""A hash of no PIN that anybody tries, at no cost."""


class Shop:
    """A guard with its clock and its store."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
        self.kept: dict[str, WrongPins] = {}
        self.away = False
        self.written = 0
        self.told: list[tuple[str, str, datetime]] = []
        self.guard = self.start()

    def start(self) -> PinGuard:
        """A guard as a new start of the daemon makes it."""
        self.guard = PinGuard(self, 3, 60.0, lambda: self.now, lambda *lock: self.told.append(lock))
        return self.guard

    async def wrong_pins(self) -> list[WrongPins]:
        """Read."""
        if self.away:
            raise StoreError("away")
        return list(self.kept.values())

    async def save_wrong_pins(self, wrong: WrongPins) -> None:
        """Write."""
        if self.away:
            raise StoreError("away")
        self.written += 1
        self.kept[wrong.subject] = wrong
        if not wrong.count:
            del self.kept[wrong.subject]

    async def forget_wrong_pins(self, before: datetime) -> None:
        """Delete."""
        self.written += 1
        self.kept = {
            subject: wrong
            for subject, wrong in self.kept.items()
            if wrong.last >= before or not subject.startswith("caller ")
        }

    async def wrong(self, times: int, mailbox: str = "100", caller: str = "555") -> str:
        """Key in wrong PINs; what is locked after them."""
        locked = ""
        for _ in range(times):
            try:
                assert not await self.guard.check(mailbox, caller, "0000", HASH)
            except PinLocked as error:
                locked = error.subject
        return locked


@pytest.fixture(scope="module")
def hashed() -> str:
    """The hash of 4711."""
    return hash_pin("4711")


@pytest.fixture
def shop() -> Shop:
    """A guard that locks after three, for a minute at first."""
    return Shop()


def test_hash_is_its_pin_s_only(hashed: str) -> None:
    """It fits the pattern of the configuration, has a salt of its own, and tells the right PIN from others."""
    assert re.match(PIN_HASH, hashed)
    assert hash_pin("4711") != hashed
    assert matches("4711", hashed)
    assert not matches("4712", hashed)
    assert not matches("", hashed)
    assert "4711" not in hashed


_SALT = "c2FsdHNhbHRzYWx0c2FsdA=="
_DIGEST = "A" * 43 + "="


def test_hash_that_works_is_let_through(hashed: str) -> None:
    """As :func:`hash_pin` makes it, and one that costs less."""
    check_hash(hashed)
    check_hash(HASH)


@pytest.mark.parametrize(
    ("hashed", "problem"),
    [
        ("4711", "is no hash"),
        (f"scrypt:0:8:1:{_SALT}:{_DIGEST}", "the cost 0 is no power of two"),
        (f"scrypt:1:8:1:{_SALT}:{_DIGEST}", "the cost 1 is no power of two"),
        (f"scrypt:12345:8:1:{_SALT}:{_DIGEST}", "the cost 12345 is no power of two"),
        (f"scrypt:65536:8:1:{_SALT}:{_DIGEST}", "it needs more than 48 MiB"),
        (f"scrypt:65536:1:1:{_SALT}:{_DIGEST}", "the cost 65536 is too high for the block 1"),
        (f"scrypt:32768:0:1:{_SALT}:{_DIGEST}", "its block 0 is not from 1"),
        (f"scrypt:32768:8:0:{_SALT}:{_DIGEST}", "its parallelism 0 is not from 1 to 4"),
        (f"scrypt:32768:8:5:{_SALT}:{_DIGEST}", "its parallelism 5 is not from 1 to 4"),
        (f"scrypt:32768:8:1:A=AAAAAA:{_DIGEST}", "no base 64"),
        (f"scrypt:32768:8:1:{_SALT}:{'A' * 42}", "no base 64"),
        (f"scrypt:32768:8:1:{_SALT}:{'A' * 40}", "its digest has 30 bytes, not 32"),
    ],
)
def test_hash_that_cannot_work_is_told(hashed: str, problem: str) -> None:
    """Before somebody keys in a PIN."""
    with pytest.raises(ValueError, match=problem):
        check_hash(hashed)


def test_configuration_names_the_hash_that_cannot_work(tmp_path: Path) -> None:
    """The mailbox, what is wrong, and what to do; the hash itself stays out of sight."""
    table = {"mailboxes": {"100": {"pin": f"scrypt:12345:8:1:{_SALT}:{_DIGEST}"}}}
    with pytest.raises(
        ConfigError, match=r"\[plugins\.voicemail\.mailboxes\.100\]: pin.*12345.*ctportd pin"
    ) as raised:
        load_plugins(PLUGINS, {"voicemail": table}, "c.toml")
    assert _DIGEST not in str(raised.value)


@pytest.mark.parametrize("pin", ["", "123", "1" * 13, "12a4", "12 34", "٤٧١١"])
def test_what_is_no_pin(pin: str) -> None:
    """Digits that a telephone has, neither too few nor too many."""
    with pytest.raises(ValueError, match="a PIN is 4 to 12 digits"):
        hash_pin(pin)


async def test_right_pin_forgets_the_wrong_ones(shop: Shop, hashed: str) -> None:
    """An owner who mistypes now and then is never locked out."""
    for _ in range(4):
        assert await shop.wrong(2) == ""
        assert await shop.guard.check("100", "555", "4711", hashed)
    assert shop.kept == {}


async def test_mailbox_is_locked_across_calls_and_callers(shop: Shop, hashed: str) -> None:
    """The third wrong PIN locks it, whoever calls, and not even the right one is believed meanwhile."""
    assert await shop.wrong(2, caller="1") == ""
    assert await shop.wrong(1, caller="2") == "mailbox 100"
    with pytest.raises(
        PinLocked, match=r"mailbox 100 is locked until 2026-11-23 12:01:00 UTC: too many wrong PINs"
    ):
        await shop.guard.check("100", "3", "4711", hashed)
    assert await shop.guard.check("101", "3", "4711", hashed)
    shop.now += timedelta(seconds=61)
    assert await shop.guard.check("100", "3", "4711", hashed)
    assert shop.told == [("100", "2", datetime(2026, 11, 23, 12, 1, tzinfo=UTC))]


async def test_each_further_one_doubles_the_lock(shop: Shop) -> None:
    """Up to a day: guessing goes slower and slower."""
    await shop.wrong(3)
    for minutes in (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1440, 1440):
        assert shop.kept["mailbox 100"].locked_until == shop.now + timedelta(minutes=minutes)
        shop.now += timedelta(minutes=minutes, seconds=-1)
        with pytest.raises(PinLocked):
            await shop.guard.check("100", "", "0000", HASH)
        shop.now += timedelta(seconds=1)
        await shop.wrong(1, caller="")


async def test_caller_is_locked_across_mailboxes(shop: Shop) -> None:
    """Who tries one PIN on many mailboxes is locked out of all; others are not, nor are callers without a number."""
    for mailbox in range(5):
        assert await shop.wrong(1, str(mailbox)) == ""
    assert await shop.wrong(1, "5") == "caller 555"
    assert await shop.wrong(1, "6") == "caller 555"
    assert await shop.wrong(1, "6", caller="556") == ""
    assert await shop.wrong(1, "6", caller="") == ""


async def test_lock_outlives_the_daemon(shop: Shop) -> None:
    """A crash, or a start, gives nobody another try."""
    await shop.wrong(3)
    shop.start()
    assert await shop.wrong(1, caller="9") == "mailbox 100"


async def test_database_that_is_away_lets_nobody_guess(shop: Shop) -> None:
    """The lock holds in memory, and what was known before is heeded as soon as it can be read."""
    await shop.wrong(3, "101")
    shop.start()
    shop.away = True
    assert await shop.wrong(3, "100", caller="") == "mailbox 100"
    shop.away = False
    assert await shop.wrong(1, "101", caller="") == "mailbox 101"


async def test_many_lines_at_once_gain_nothing(shop: Shop) -> None:
    """Guesses of many calls are looked at one after the other."""
    outcomes = await asyncio.gather(
        *(shop.guard.check("100", "", "0000", HASH) for _ in range(20)), return_exceptions=True
    )
    assert outcomes.count(False) == 2
    assert sum(isinstance(outcome, PinLocked) for outcome in outcomes) == 18


async def test_old_callers_are_forgotten_and_mailboxes_are_not(shop: Shop) -> None:
    """Numbers that callers invent do not pile up, nor does forgetting them take long; a mailbox's guesses add up."""
    for number in range(50):
        await shop.wrong(1, f"m{number}", caller=str(number))
    shop.now += timedelta(days=8)
    shop.written = 0
    await shop.wrong(1, "m0", caller="")
    assert shop.written == 2
    assert sorted(shop.kept) == sorted(f"mailbox m{number}" for number in range(50))
    assert shop.kept["mailbox m0"].count == 2


async def test_nobody_can_tell_which_mailboxes_there_are(shop: Shop) -> None:
    """One that is none is locked as one that is, each by itself, and forgotten; no PIN is the right one for it."""
    for mailbox, hashed in (("100", HASH), ("777", ""), ("778", "")):
        told = []
        for _ in range(4):
            try:
                told.append(str(await shop.guard.check(mailbox, "", "0000", hashed)))
            except PinLocked as error:
                told.append(f"{error.until - shop.now}")
        assert told == ["False", "False", "0:01:00", "0:01:00"]
    shop.now += timedelta(days=8)
    await shop.wrong(1, "m0", caller="")
    assert sorted(shop.kept) == ["mailbox 100", "mailbox m0"]


async def test_own_mailbox_washes_nobody_clean(shop: Shop, hashed: str) -> None:
    """Who keys in the own PIN between guesses at the others' is locked out all the same."""
    locked = []
    for mailbox in range(7):
        locked.append(await shop.wrong(1, str(mailbox)))
        if not locked[-1]:
            assert await shop.guard.check("mine", "555", "4711", hashed)
    assert locked[5:] == ["caller 555", "caller 555"]


async def test_a_year_of_guessing_gains_a_few_hundred_guesses(shop: Shop) -> None:
    """Whoever obeys the locks, or waits for anything to be forgotten, has one guess a day."""
    end = shop.now + timedelta(days=365)
    guesses = 0
    while shop.now < end:
        guesses += 1
        if await shop.wrong(1, caller=""):
            shop.now = shop.kept["mailbox 100"].locked_until or shop.now
    assert guesses < 400


async def test_lock_is_not_lost_while_the_database_is_away(shop: Shop) -> None:
    """What was kept before and what was counted meanwhile are put together, and written as soon as that is possible."""
    await shop.wrong(3)
    shop.now += timedelta(seconds=61)
    await shop.wrong(1)
    before = shop.kept["mailbox 100"]
    shop.away = True
    shop.start()
    await shop.wrong(1)
    shop.away = False
    assert await shop.wrong(1) == "mailbox 100"
    assert shop.kept["mailbox 100"].count == before.count + 1
    shop.start()
    assert await shop.wrong(1, caller="9") == "mailbox 100"


async def test_lock_of_a_database_that_was_away_outlives_the_daemon(shop: Shop) -> None:
    """It is written with the next check of any PIN, and after the database was made anew likewise."""
    shop.away = True
    await shop.wrong(3)
    shop.away = False
    await shop.wrong(1, "200", "777")
    shop.start()
    assert await shop.wrong(1, caller="9") == "mailbox 100"
    shop.kept.clear()
    shop.guard.keep_all()
    await shop.wrong(1, "200", "778")
    shop.start()
    assert await shop.wrong(1, caller="9") == "mailbox 100"


async def test_clock_that_is_set_back_locks_nobody_for_years(shop: Shop) -> None:
    """A lock lasts a day at most from now, whatever it was made for."""
    await shop.wrong(3)
    shop.now -= timedelta(days=3650)
    assert await shop.wrong(1) == "mailbox 100"
    shop.now += timedelta(days=1, seconds=1)
    assert await shop.guard.check("101", "9", "0000", HASH) is False
    with pytest.raises(PinLocked, match=r"2016-11-2[6-9]"):
        await shop.guard.check("100", "9", "0000", HASH)


async def test_number_of_any_length_is_one_caller(shop: Shop) -> None:
    """What the database cuts is cut before: a lock must be found again."""
    for mailbox in range(6):
        await shop.wrong(1, str(mailbox), caller="5" * 1000)
    shop.start()
    assert await shop.wrong(1, "9", caller="5" * 1000) == f"caller {'5' * 64}"
