"""``[plugins.auto_attendant]``: what may be written there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from msgspec import Meta

from ctportd import PinHash, check_pin, no_such

from .actions import read_action
from .hours import Hours
from .matching import DIGITS, read_pattern
from .ways import Choice, Extension, Positive, Way, check_action

if TYPE_CHECKING:
    from collections.abc import Iterator

Count = Annotated[int, Meta(ge=0)]


class When(msgspec.Struct, forbid_unknown_fields=True):
    """A time at which a menu leads elsewhere.

    Attributes:
        hours: By which hours.
        to: Where it leads.
        state: Whether they are ``open``, ``closed``, or closed by a ``holiday``. Written as ``is``.
    """

    hours: str
    to: str
    state: Literal["open", "closed", "holiday"] = msgspec.field(default="open", name="is")

    def __post_init__(self) -> None:
        """Check where it leads."""
        check_action(self.to, "to")


class Menu(msgspec.Struct, forbid_unknown_fields=True):
    """One menu.

    Attributes:
        prompt: What the caller hears; a key cuts it short. Several names, with spaces between, are played in turn.
        keys: What each entry leads to: keys such as ``1`` or ``42``, or patterns such as ``1XX``.
        again: What is heard instead from the second time on; empty: the same.
        wait: Positive to wait for a first key after the prompt.
        between: Positive to wait for another key, where what was keyed in may be the beginning of an entry.
        end: The key that ends an entry; empty: none does.
        tries: How often the prompt is played, all in all, before the menu gives up.
        invalid_tries: How many invalid entries it takes by themselves (0: they are among the ``tries``).
        no_key_tries: How often it may be that no key comes (0: that is among the ``tries``).
        invalid: The prompt for what is no entry of the menu.
        no_key: The prompt for a caller who pressed none.
        give_up: What is done after the last try.
        invalid_to: What is done where the last one was invalid; empty: ``give_up``.
        no_key_to: What is done where no key came in the last one; empty: ``give_up``.
        barge_in: Whether a key cuts the prompt short; else keys count from its end on.
        extensions: Whether extensions may be dialled here.
        pin: Who does not know it is not let in, as ``ctportd pin`` prints it; empty: anybody is.
        when: Times at which it leads elsewhere; the first that holds counts.
        otherwise: Where it leads at all other times; empty: the menu itself is played. Written as ``else``.
    """

    prompt: str = ""
    keys: dict[str, str | Choice] = {}
    again: str = ""
    wait: Positive = 10
    between: Positive = 2
    end: Literal["#", "*", ""] = "#"
    tries: Positive = 3
    invalid_tries: Count = 0
    no_key_tries: Count = 0
    invalid: str = "invalid-key"
    no_key: str = "no-key"
    give_up: str = "hangup"
    invalid_to: str = ""
    no_key_to: str = ""
    barge_in: bool = True
    extensions: bool = True
    pin: PinHash = ""
    when: list[When] = []
    otherwise: str = msgspec.field(default="", name="else")

    def __post_init__(self) -> None:
        """Check entries and where they lead."""
        for entry, way in self.keys.items():
            read_pattern(entry)
            if isinstance(way, str):
                check_action(way, f"keys, {entry!r}", entries=True)
        for key, written in self.endings.items():
            if written:
                check_action(written, key)
        if self.otherwise:
            check_action(self.otherwise, "else")
        elif not self.prompt:
            raise ValueError("the key 'prompt' is missing" + (", or 'else'" if self.when else ""))
        check_pin(self.pin)

    def way(self, entry: str) -> Way:
        """Where an entry leads."""
        return as_way(self.keys[entry])

    @property
    def endings(self) -> dict[str, str]:
        """What is done after the last try, by the keys that say it."""
        return {"give_up": self.give_up, "invalid_to": self.invalid_to, "no_key_to": self.no_key_to}

    def after(self, *, invalid: bool) -> str:
        """What is done after the last try."""
        return (self.invalid_to if invalid else self.no_key_to) or self.give_up


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The table ``[plugins.auto_attendant]``.

    Attributes:
        menus: The menus.
        menu: The one with which a call begins, where the port's ``handlers`` name none.
        hours: When somebody is there.
        extensions: What callers may dial while a menu speaks, by number.
        rescue: What is done where a transfer or a telephone set does not answer, unless its own ``rescue`` says; empty:
            the menu comes again.
        ring: Positive until nobody has answered.
    """

    menus: dict[str, Menu] = {}
    menu: str = "main"
    hours: dict[str, Hours] = {}
    extensions: dict[str, str | Extension] = {}
    rescue: str = ""
    ring: Positive = 30

    def __post_init__(self) -> None:
        """Check that what is named is there."""
        for number, way in self.extensions.items():
            if not number or set(number) - set(DIGITS):
                raise ValueError(f"extensions: found the extension {number!r}, expected digits")
            if isinstance(way, str):
                check_action(way, f"extensions, {number!r}")
        if self.rescue:
            check_action(self.rescue, "rescue")
        if self.menus and self.menu not in self.menus:
            raise ValueError(f"menu: {no_such('menu', self.menu, self.menus)}")
        self._check_actions()
        self._check_times()

    def _check_actions(self) -> None:
        for place in self.places():
            try:
                self._check_named(place)
            except ValueError as error:
                raise ValueError(f"{place}: {error}") from None

    def _check_times(self) -> None:
        for name, menu in self.menus.items():
            for index, when in enumerate(menu.when, 1):
                if when.hours not in self.hours:
                    raise ValueError(
                        f"menus.{name}, when, item {index}: {no_such('hours', when.hours, self.hours)}"
                    )

    def places(self) -> Iterator[Place]:
        """Everywhere that an action is written."""
        for name, menu in self.menus.items():
            yield from _places_of(name, menu)
        for number in self.extensions:
            way = self.extension(number)
            yield Place("extensions", f"{number!r}", way.to, way)
            if way.rescue:
                yield Place("extensions", f"{number!r}, rescue", way.rescue)
        if self.rescue:
            yield Place("", "rescue", self.rescue)

    def extension(self, number: str) -> Way:
        """Where an extension leads."""
        return as_way(self.extensions[number])

    def _check_named(self, place: Place) -> None:
        action = read_action(place.action)
        if action.verb == "menu" and action.what not in self.menus:
            raise ValueError(no_such("menu", action.what, self.menus))
        if action.verb == "override":
            if action.what not in self.hours:
                raise ValueError(no_such("hours", action.what, self.hours))
            if not self.hours[action.what].pin and not self._asks_first(place):
                problem = "anybody could set them: give a 'pin' to the hours, or to the menu"
                raise ValueError(f"{place.action!r} has no PIN: {problem}")

    def _asks_first(self, place: Place) -> bool:
        """Whether only those come here who know a menu's PIN; its times lead elsewhere before it is asked for."""
        menu = self.menus.get(place.menu)
        return menu is not None and bool(menu.pin) and not place.key.startswith(("when", "else"))


class Place(msgspec.Struct, frozen=True):
    """Where an action is written.

    Attributes:
        table: In which table, below the plugin's own; empty: in that.
        key: At which key.
        action: The action.
        way: What more is said about it, if anything can be.
        menu: In which menu; empty: in none.
        entry: At which of its entries; empty: at none.
    """

    table: str
    key: str
    action: str
    way: Way | None = None
    menu: str = ""
    entry: str = ""

    def __str__(self) -> str:
        return f"{self.table}, {self.key}" if self.table else self.key


def as_way(written: str | Way) -> Way:
    """An action by itself, as a way."""
    return Way(to=written) if isinstance(written, str) else written


def _places_of(name: str, menu: Menu) -> Iterator[Place]:
    table = f"menus.{name}"
    for entry in menu.keys:
        way = menu.way(entry)
        yield Place(table, f"keys, {entry!r}", way.to, way, name, entry)
        if way.rescue:
            yield Place(table, f"keys, {entry!r}, rescue", way.rescue, menu=name, entry=entry)
    times = {f"when, item {index}": when.to for index, when in enumerate(menu.when, 1)}
    for key, written in (menu.endings | times | {"else": menu.otherwise}).items():
        if written:
            yield Place(table, key, written, menu=name)
