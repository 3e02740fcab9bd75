"""Where an owner is in a folder: which messages are there, in what order, and which of them is heard now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ctportd import INBOX, OLD, TRASH, speech

from .keys import Action

if TYPE_CHECKING:
    from collections.abc import Iterable

    from ctportd import VoiceMessage

FOLDER_OF = {
    Action.INBOX: INBOX,
    Action.OLD: OLD,
    Action.WORK: "Work",
    Action.FAMILY: "Family",
    Action.FRIENDS: "Friends",
    Action.TRASH: TRASH,
}
"""The folders of a mailbox, by what chooses them."""


def folder_prompt(folder: str) -> str:
    """The prompt that names a folder."""
    return f"vm-folder-{folder.lower()}"


class Reading:
    """A folder that an owner has opened. Messages that leave it stay in its list until it is opened anew.

    Args:
        folder: Its name.
        messages: What is in it, oldest first. Those that are urgent and not heard yet come first.
    """

    def __init__(self, folder: str, messages: Iterable[VoiceMessage] = ()) -> None:
        self.folder = folder
        self._messages = sorted(messages, key=lambda message: not (message.new and message.urgent))
        self._at = 0

    def __len__(self) -> int:
        return len(self._messages)

    @property
    def current(self) -> VoiceMessage | None:
        """The message that the owner is at; None where the folder is empty."""
        return self._messages[self._at] if self._messages else None

    @property
    def deleted(self) -> bool:
        """Whether that message is in the trash."""
        return self.current is not None and self.current.folder == TRASH

    def move(self, by: int) -> bool:
        """Go to the next message (1) or the previous one (-1); returns whether there is one."""
        if not 0 <= self._at + by < len(self._messages):
            return False
        self._at += by
        return True

    def put(self, message: VoiceMessage) -> None:
        """What became of the message that the owner is at."""
        self._messages[self._at] = message

    def hidden(self) -> set[Action]:
        """What makes no sense on that message."""
        hidden = {Action.DELETE if self.deleted else Action.RESTORE}
        if self._at == 0:
            hidden.add(Action.PREVIOUS)
        if self._at + 1 >= len(self._messages):
            hidden.add(Action.NEXT)
        return hidden

    def position(self) -> list[str]:
        """Prompts: which message it is; whether it is urgent, or deleted."""
        message = self.current
        if message is None:
            return ["vm-folder-empty"]
        return [*(["vm-urgent"] if message.urgent else []), *self._place(), *(["vm-is-deleted"] * self.deleted)]

    def _place(self) -> list[str]:
        if self._at == 0:
            return ["vm-first", "vm-message"]
        if self._at + 1 == len(self._messages):
            return ["vm-last", "vm-message"]
        return ["vm-message", *speech.number(self._at + 1)]
