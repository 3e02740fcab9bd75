"""The line that a call is on, played by a test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd.calls.files import Prompts
from ctportd.clock import Clock

if TYPE_CHECKING:
    from pathlib import Path

    from ctportd.calls.call import Call


class FakeDesk:
    """Remembers what a call tells it; its prompts are empty files.

    Attributes:
        was_answered: How often.
        handed: To whom the call was handed over.
        numbers: What was dialled.
        lent: What other ports give; none by default.
    """

    def __init__(self, folder: Path, *prompts: str) -> None:
        for name in prompts:
            (folder / f"{name}.au").touch()
        self.clock = Clock()
        self.prompts = Prompts([folder], ".au", folder)
        self.was_answered = 0
        self.handed: list[str] = []
        self.numbers: list[str] = []
        self.tones: list[bool] = []
        self.lent: dict[str, Call] = {}

    def answered(self) -> None:
        """Count."""
        self.was_answered += 1

    def ended(self) -> None:
        """Nothing is done with it."""

    def dialled(self, number: str) -> None:
        """Remember."""
        self.numbers.append(number)

    def dial_tone(self, *, heard: bool) -> None:
        """Remember."""
        self.tones.append(heard)

    def take(self, address: str, kind: str) -> Call | None:
        """Give what there is."""
        return self.lent.get(address)

    async def hand_over(self, handler: str) -> None:
        """Remember."""
        self.handed.append(handler)
