"""Where a caller is in the menus, what may be keyed in there, and for how long. No line: ``explain`` goes here, too."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .actions import filled
from .matching import Keying, read_pattern
from .ways import Way

if TYPE_CHECKING:
    from .actions import Action
    from .matching import Pattern
    from .settings import Menu, Settings


class Path:
    """The menus by which a caller came, the first one first."""

    def __init__(self) -> None:
        self._menus: list[str] = []

    @property
    def here(self) -> str | None:
        """The menu in which the caller is; None before the first."""
        return self._menus[-1] if self._menus else None

    def enter(self, name: str) -> None:
        """Go on to a menu; to one that lies on the way, that is the way back."""
        if name in self._menus:
            del self._menus[self._menus.index(name) :]
        self._menus.append(name)

    def after(self, action: Action) -> str | None:
        """The menu that follows an action; None where it ends the call, or leaves the attendant.

        What does something else leads back to where the caller is; so does ``back`` in the first menu.
        """
        match action.verb:
            case "menu":
                return action.what
            case "exit" | "hangup":
                return None
            case "top":
                del self._menus[1:]
            case "back" if len(self._menus) > 1:
                self._menus.pop()
        return self.here


class Chosen(msgspec.Struct, frozen=True):
    """An entry that was keyed in.

    Attributes:
        text: As the configuration has it.
        way: Where it leads, with what was keyed in filled in.
        extension: Whether it is one of the extensions.
    """

    text: str
    way: Way
    extension: bool = False


class Entries:
    """What may be keyed in at a menu: its own entries and, where it takes them, extensions. Its own go first."""

    def __init__(self, settings: Settings, menu: Menu) -> None:
        self._menu = menu
        self._own = {read_pattern(entry): menu.way(entry) for entry in menu.keys}
        numbers = set(settings.extensions) if menu.extensions else set()
        self._hidden = numbers & set(menu.keys)
        self._extensions = {
            read_pattern(number): settings.extension(number) for number in sorted(numbers - self._hidden)
        }

    @property
    def own(self) -> dict[Pattern, Way]:
        """The menu's own, with where they lead as it is written."""
        return self._own

    @property
    def hidden(self) -> set[str]:
        """Extensions whose numbers are entries of the menu's own."""
        return self._hidden

    @property
    def extensions(self) -> dict[Pattern, Way]:
        """The extensions."""
        return self._extensions

    def keying(self) -> Keying:
        """An entry that is yet to be keyed in."""
        return Keying([*self._own, *self._extensions], self._menu.end)

    def chosen(self, keying: Keying) -> Chosen | None:
        """The entry that was keyed in; None where there is no such one."""
        pattern = keying.chosen
        if pattern is None:
            return None
        if pattern in self._extensions:
            return Chosen(pattern.text, self._extensions[pattern], extension=True)
        way = self._own[pattern]
        keys, rest = keying.keys, keying.keys[pattern.start :]
        leads = {"to": filled(way.to, keys, rest), "rescue": filled(way.rescue, keys, rest)}
        return Chosen(pattern.text, msgspec.structs.replace(way, **leads))


class Patience:
    """How much longer a menu waits for something that it can take."""

    def __init__(self, menu: Menu) -> None:
        self._tries = menu.tries
        self._own = {True: menu.invalid_tries, False: menu.no_key_tries}
        self._lost = {True: 0, False: 0}

    def lose(self, *, invalid: bool) -> bool:
        """Something invalid came, or nothing. Returns whether that was the last try."""
        self._lost[invalid] += 1
        if self._own[invalid]:
            return self._lost[invalid] >= self._own[invalid]
        return sum(lost for kind, lost in self._lost.items() if not self._own[kind]) >= self._tries
