"""The owner's menus as data: what keys do, and what is said of them."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from ctportd.calls.files import SHIPPED
from ctportd.phone.prompts import texts
from plugins.voicemail.owner.keys import MAIN, MENUS, MESSAGE, MORE, PLAYING, Action

if TYPE_CHECKING:
    from plugins.voicemail.owner.keys import Menu

CARD = Path(__file__).parents[3] / "docs" / "owner.md"

KNOWN = {
    MAIN: "1 MESSAGES 2 FOLDERS 3 MORE 0 OPTIONS * HELP # EXIT",
    MESSAGE: "4 PREVIOUS 5 AGAIN 6 NEXT 7 DELETE 8 FORWARD 9 SAVE 3 MORE",
    PLAYING: "* REWIND # SKIP 0 PAUSE 2 RESTART",
    MORE: "1 REPLY 2 CALL_BACK 3 ENVELOPE 4 DIAL_OUT 5 SEND",
}
"""The keys that owners know from elsewhere."""


@pytest.mark.parametrize("menu", KNOWN, ids=lambda menu: menu.title)
def test_keys_are_those_that_owners_know(menu: Menu) -> None:
    """Who knows Comedian Mail finds the same under the same keys."""
    words = KNOWN[menu].split()
    known = dict(zip(words[::2], words[1::2], strict=True))
    actions = menu.actions({Action.RESTORE})
    assert {key: actions[key].name for key in known} == known


def test_a_key_that_makes_no_sense_works_but_is_not_said() -> None:
    """It tells why it does nothing; where two choices share a key, the one that makes sense has it."""
    assert MESSAGE.actions({Action.RESTORE})["7"] is Action.DELETE
    assert MESSAGE.actions({Action.DELETE, Action.NEXT})["7"] is Action.RESTORE
    assert MESSAGE.actions({Action.NEXT})["6"] is Action.NEXT
    said = MESSAGE.spoken({Action.NEXT, Action.RESTORE}, whole=False)
    assert said[:6] == ["vm-to-previous", "press", "4", "vm-to-again", "press", "5"]
    assert not {"vm-to-next", "vm-to-restore", "vm-to-exit"} & set(said)
    assert MESSAGE.spoken()[-3:] == ["vm-to-exit", "press", "pound"]


@pytest.mark.parametrize("menu", MENUS, ids=lambda menu: menu.title)
def test_a_menu_can_be_spoken(menu: Menu) -> None:
    """Every prompt is there, and no key leads two ways unless one of them is hidden."""
    for prompts in menu.spoken():
        for prompt in prompts.split():
            assert (SHIPPED / f"{prompt}.au").is_file(), prompt
    twice = {key for key, count in Counter(choice.key for choice in menu.choices).items() if count > 1}
    assert twice <= {"7", "4"}


@pytest.mark.parametrize("menu", MENUS, ids=lambda menu: menu.title)
def test_card_tells_each_key(menu: Menu) -> None:
    """docs/owner.md has the keys of every menu, in the words of the prompts."""
    card = CARD.read_text()
    assert f"**{menu.title}**" in card
    for choice in menu.choices:
        words = " ".join(texts()[prompt] for prompt in choice.prompts.split())
        told = words.rstrip(",").partition(" ")[2]
        assert f"| `{choice.key}` | {told} |" in card
