"""Answers with a menu: each key leads to voicemail, to another menu, to a telephone of the exchange, or ends the call.

The menus are in the configuration, under ``[plugins.auto_attendant.menus.NAME]``. What a key does is written as

- ``menu:NAME``: another menu;
- ``transfer:NUMBER``: a hook flash, and the number: the exchange connects the caller;
- ``hangup``: good-bye;
- ``PLUGIN`` or ``PLUGIN:TARGET``: another plugin, such as ``voicemail:100``; the menu comes again when that is done.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import structlog
from msgspec import Meta

from ctportd import KEYS, hookimpl

if TYPE_CHECKING:
    from ctportd import Call

log = structlog.get_logger("auto_attendant")


class Menu(msgspec.Struct, forbid_unknown_fields=True):
    """One menu.

    Attributes:
        prompt: What the caller hears; a key cuts it short. Several names, with spaces between, are played in turn.
        keys: What each key does.
        wait: Seconds to wait for a key after the prompt.
        tries: How often the prompt is played, all in all, before the menu gives up.
        invalid: The prompt for a key that is none of the menu's.
        no_key: The prompt for a caller who pressed none.
        give_up: What is done after the last try.
    """

    prompt: str
    keys: dict[str, str]
    wait: Annotated[int, Meta(ge=1)] = 6
    tries: Annotated[int, Meta(ge=1)] = 3
    invalid: str = "invalid-key"
    no_key: str = "no-key"
    give_up: str = "hangup"

    def __post_init__(self) -> None:
        """Check the keys."""
        for key in self.keys:
            if key not in KEYS:
                raise ValueError(f"found the key {key!r}, expected one of {' '.join(sorted(KEYS))}")


class Settings(msgspec.Struct, forbid_unknown_fields=True):
    """The table ``[plugins.auto_attendant]``: the menus, and the one with which a call begins."""

    menus: dict[str, Menu] = {}
    menu: str = "main"

    def __post_init__(self) -> None:
        """Check that every menu that is named is there."""
        named = [f"menu:{self.menu}"] if self.menus else []
        named += [action for menu in self.menus.values() for action in (*menu.keys.values(), menu.give_up)]
        for action in named:
            verb, _, name = action.partition(":")
            if verb == "menu" and name not in self.menus:
                raise ValueError(f"found {action!r}, but the menus are {', '.join(self.menus)}")


@hookimpl
async def answer_call(call: Call, target: str, settings: Settings) -> None:
    """Lead the caller through the menus, from ``target`` or from the first one."""
    name = target or settings.menu
    if name not in settings.menus:
        log.error("there is no such menu", menu=name)
        return
    await call.answer()
    next_menu: str | None = name
    while next_menu is not None:
        log.info("menu", menu=next_menu)
        action = await _choose(call, settings.menus[next_menu])
        next_menu = await _act(call, action, next_menu)


async def _choose(call: Call, menu: Menu) -> str:
    """Play the menu until the caller has chosen, or has had all tries; returns what is to be done."""
    key = await call.ask(
        menu.prompt,
        digits=1,
        accept=lambda key: key in menu.keys,
        first=menu.wait,
        tries=menu.tries,
        invalid=menu.invalid,
        no_key=menu.no_key,
    )
    return menu.keys.get(key, menu.give_up)


async def _act(call: Call, action: str, menu: str) -> str | None:
    """Do what a key says; returns the menu that comes next, or None when the call is over."""
    verb, _, what = action.partition(":")
    log.info("chosen", action=action)
    if verb == "menu":
        return what
    if verb == "transfer":
        await call.play("transferring")
        await call.transfer(what)
        return None
    if verb == "hangup":
        await call.play("goodbye")
        await call.hangup()
        return None
    await call.hand_over(action)
    return menu
