"""Which menu leads to which, and what a caller can come to from there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .actions import HANDLER, read_action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .actions import Action
    from .settings import Settings

PLUGIN = "auto_attendant"

_STAYS = ("repeat", "play", "language", "override", "back", "top")
"""What leads to no other menu, or only to one from which the caller came."""


class Graph:
    """The menus and what leads from one to the other.

    Args:
        settings: The menus.
        handlers: Those of all ports.

    Attributes:
        first: The menus with which calls begin; empty where no port has the attendant.
    """

    def __init__(self, settings: Settings, handlers: Iterable[str]) -> None:
        self._settings = settings
        self._actions: dict[str, list[Action]] = {name: [] for name in settings.menus}
        self._giving_up: dict[str, list[Action]] = {name: [] for name in settings.menus}
        everywhere: list[Action] = []
        for place in settings.places():
            action = read_action(place.action)
            if not place.menu:
                everywhere.append(action)
            elif place.key in settings.menus[place.menu].endings:
                self._giving_up[place.menu].append(action)
            else:
                self._actions[place.menu].append(action)
        for name, menu in settings.menus.items():
            if menu.extensions and settings.extensions:
                self._actions[name] += everywhere
        named = [*handlers, *(place.action for place in settings.places())]
        self.first = {_first(handler, settings) for handler in named} & set(settings.menus)

    def reached(self) -> set[str]:
        """The menus to which some call can come."""
        found = set(self.first)
        waiting = list(found)
        while waiting:
            name = waiting.pop()
            new = self._menus([*self._actions[name], *self._giving_up[name]]) - found
            found |= new
            waiting += new
        return found

    def chooses_nothing(self, name: str) -> bool:
        """Whether nothing can be chosen in a menu that is played."""
        menu = self._settings.menus[name]
        return not menu.keys and not (menu.extensions and self._settings.extensions) and not menu.otherwise

    def leads_out(self, name: str) -> bool:
        """Whether somebody in a menu can choose something that ends in more than menus, here or further on."""
        seen: set[str] = set()
        waiting = [name]
        while waiting:
            here = waiting.pop()
            seen.add(here)
            actions = self._actions[here]
            if any(action.verb != "menu" and action.verb not in _STAYS for action in actions):
                return True
            further = self._menus(actions)
            if any(action.verb in ("back", "top") for action in actions):
                further |= {
                    menu for menu in self._actions if here in self._menus(self._actions[menu])
                } | self.first
            waiting += further - seen
        return False

    def silent_circle(self, name: str) -> list[str]:
        """The menus through which somebody goes round who presses nothing; empty where it comes to an end at once."""
        passed: list[str] = []
        here: str | None = name
        while here is not None and here not in passed:
            passed.append(here)
            action = read_action(self._settings.menus[here].after(invalid=False))
            here = action.what if action.verb == "menu" and action.what != here else None
        return passed[passed.index(here) :] if here is not None else []

    @staticmethod
    def _menus(actions: Iterable[Action]) -> set[str]:
        return {action.what for action in actions if action.verb == "menu"}


def _first(handler: str, settings: Settings) -> str:
    """The menu with which a handler begins, if it is the attendant; else an empty name."""
    plugin, _, target = handler.partition(":")
    return (target or settings.menu) if plugin == PLUGIN and read_action(handler).verb == HANDLER else ""
