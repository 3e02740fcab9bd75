"""Asks the owner for a key of a menu, or for a number."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .keys import MESSAGE, PLAYING, Action

if TYPE_CHECKING:
    from collections.abc import Collection

    from ctportd import Call

    from .keys import Menu

WAIT = 6
"""Seconds without a key after which a menu is said again."""

REPEATS = 3
"""How often it is said again; then nobody is there."""

CANCEL = "*"
"""The key that leaves a question without an answer."""


class NobodyThere(Exception):  # noqa: N818 - named after what happened, as the errors of ctportd
    """No key came for so long that the call is ended."""


async def choose(
    call: Call, menu: Menu, *before: str, hidden: Collection[Action] = (), key: str = "", whole: bool = True
) -> Action:
    """Say a menu until one of its keys is pressed. Whoever asks for help hears all of it, and is asked again.

    Args:
        call: The owner's call.
        menu: The menu.
        before: Prompts that are played first.
        hidden: What is not said, since it makes no sense now; see :class:`~.keys.Menu`.
        key: A key that was pressed already; empty for none.
        whole: Whether choices that are seldom wanted are said, too.

    Raises:
        NobodyThere: It was said again and again, and no key of it was pressed.
    """
    actions = menu.actions(hidden)
    lead = list(before)
    silent = 0
    while silent <= REPEATS:
        if not key:
            await call.play(*lead, *menu.spoken(hidden, whole=whole))
            key = await call.collect(1, first=WAIT)
        lead = []
        action = actions.get(key)
        if action is Action.HELP:
            whole = True
            lead = ["vm-while-playing", *PLAYING.spoken()] if menu is MESSAGE else []
        elif action is not None:
            return action
        else:
            silent += 1
            lead = ["invalid-key"] if key else []
        key = ""
    raise NobodyThere


async def keyed_in(call: Call, most: int, *prompts: str) -> str:
    """Ask for a number: keys until ``#``, or until no more come, of which ``most`` count.

    ``*`` cancels, and is what is returned then.
    """
    await call.play(*prompts)
    return await call.keyed_in(most, wait=WAIT, cancel=CANCEL)
