"""Which menu a caller comes to: the hours decide. The same for calls and for ``ctportd explain``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from .actions import Action, read_action

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .schedule import State
    from .settings import Menu, Settings, When


class Arrival(msgspec.Struct, frozen=True):
    """Where somebody who was sent to a menu comes to.

    Attributes:
        action: ``menu:NAME`` is the menu that is played; else what is done instead.
        reasons: What led there, for people; empty where the menu is played that was meant.
    """

    action: Action
    reasons: list[str]


def arrive(settings: Settings, name: str, states: Mapping[str, State]) -> Arrival:
    """Follow a menu's ``when`` and ``else``, and those of the menus to which they lead.

    Args:
        settings: The menus.
        name: The menu.
        states: What each hours' state is now.
    """
    reasons: list[str] = []
    passed = [name]
    while True:
        leads, reason = _leads(settings.menus[passed[-1]], states)
        action = read_action(leads) if leads else Action("menu", passed[-1])
        if reason:
            reasons.append(f"menu {passed[-1]}: {reason}: {action}")
        if action.verb != "menu" or action.what == passed[-1]:
            return Arrival(action, reasons)
        if action.what in passed:
            reasons.append(f"menu {action.what}: its hours lead round in a circle: hangup")
            return Arrival(Action("hangup"), reasons)
        passed.append(action.what)


def _leads(menu: Menu, states: Mapping[str, State]) -> tuple[str, str]:
    """Where a menu leads now, and why; two empty ones where it is played itself."""
    for when in menu.when:
        state = states[when.hours]
        if holds(when, state):
            return when.to, f"{when.hours} is {state.kind} ({state.why})"
    return menu.otherwise, "else" if menu.otherwise else ""


def holds(when: When, state: State) -> bool:
    """Whether it is such a time; a holiday is closed, too."""
    return when.state == state.kind or (when.state == "closed" and state.kind == "holiday")
