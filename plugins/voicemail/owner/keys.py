"""Every menu of the owner, as data: what a key does, what is said of it, and so the card in docs/owner.md."""

from __future__ import annotations

from enum import Enum, auto
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Collection

_SPOKEN = {"*": "star", "#": "pound"}


class Action(Enum):
    """What a key does."""

    MESSAGES = auto()
    FOLDERS = auto()
    MORE = auto()
    OPTIONS = auto()
    HELP = auto()
    EXIT = auto()
    BACK = auto()

    PREVIOUS = auto()
    AGAIN = auto()
    NEXT = auto()
    DELETE = auto()
    RESTORE = auto()
    FORWARD = auto()
    SAVE = auto()

    REWIND = auto()
    SKIP = auto()
    PAUSE = auto()
    RESTART = auto()

    REPLY = auto()
    CALL_BACK = auto()
    ENVELOPE = auto()
    DIAL_OUT = auto()
    SEND = auto()

    INBOX = auto()
    OLD = auto()
    WORK = auto()
    FAMILY = auto()
    FRIENDS = auto()
    TRASH = auto()

    UNAVAILABLE = auto()
    BUSY = auto()
    NAME = auto()
    TEMPORARY = auto()
    PIN = auto()
    GREETINGS = auto()

    RECORD = auto()
    LISTEN = auto()
    ERASE = auto()
    USE = auto()

    ACCEPT = auto()
    URGENT = auto()
    NOT_URGENT = auto()
    OPERATOR = auto()
    DIAL = auto()


class Choice(NamedTuple):
    """One key of a menu.

    Attributes:
        key: The key.
        action: What it does.
        prompts: What is said of it, before "press one": names of prompts.
        seldom: Whether it is said only to who asks for all choices.
    """

    key: str
    action: Action
    prompts: str
    seldom: bool = False


class Menu(NamedTuple):
    """Keys to choose from.

    A choice that is *hidden* makes no sense now, and is not said. Its key works all the same, and tells why it does
    nothing, unless another choice has that key.

    Attributes:
        title: What the card calls it.
        choices: Its keys, in the order in which they are said.
    """

    title: str
    choices: tuple[Choice, ...]

    def actions(self, hidden: Collection[Action] = ()) -> dict[str, Action]:
        """What each key does."""
        told_last = sorted(self.choices, key=lambda choice: choice.action not in hidden)
        return {choice.key: choice.action for choice in told_last}

    def spoken(self, hidden: Collection[Action] = (), *, whole: bool = True) -> list[str]:
        """The prompts that tell the keys; all of them, or without those that are seldom wanted."""
        said = [choice for choice in self.choices if choice.action not in hidden and (whole or not choice.seldom)]
        return [prompt for choice in said for prompt in (choice.prompts, "press", spoken_key(choice.key))]


def spoken_key(key: str) -> str:
    """The prompt that says a key."""
    return _SPOKEN.get(key, key)


MAIN = Menu(
    "Main menu",
    (
        Choice("1", Action.MESSAGES, "vm-to-hear"),
        Choice("2", Action.FOLDERS, "vm-to-folders"),
        Choice("3", Action.MORE, "vm-to-more"),
        Choice("0", Action.OPTIONS, "vm-to-options"),
        Choice("*", Action.HELP, "vm-to-help"),
        Choice("#", Action.EXIT, "vm-to-exit"),
    ),
)

MESSAGE = Menu(
    "On a message",
    (
        Choice("4", Action.PREVIOUS, "vm-to-previous"),
        Choice("5", Action.AGAIN, "vm-to-again"),
        Choice("6", Action.NEXT, "vm-to-next"),
        Choice("7", Action.DELETE, "vm-to-delete"),
        Choice("7", Action.RESTORE, "vm-to-restore"),
        Choice("8", Action.FORWARD, "vm-to-forward"),
        Choice("9", Action.SAVE, "vm-to-save"),
        Choice("3", Action.MORE, "vm-to-more"),
        Choice("1", Action.MESSAGES, "vm-to-hear", seldom=True),
        Choice("2", Action.FOLDERS, "vm-to-folders", seldom=True),
        Choice("0", Action.OPTIONS, "vm-to-options", seldom=True),
        Choice("*", Action.HELP, "vm-to-help"),
        Choice("#", Action.EXIT, "vm-to-exit", seldom=True),
    ),
)

PLAYING = Menu(
    "While a message plays",
    (
        Choice("*", Action.REWIND, "vm-to-rewind"),
        Choice("#", Action.SKIP, "vm-to-skip"),
        Choice("0", Action.PAUSE, "vm-to-pause"),
        Choice("2", Action.RESTART, "vm-to-restart"),
    ),
)

MORE = Menu(
    "After 3",
    (
        Choice("1", Action.REPLY, "vm-to-reply"),
        Choice("2", Action.CALL_BACK, "vm-to-call-back"),
        Choice("3", Action.ENVELOPE, "vm-to-envelope"),
        Choice("4", Action.DIAL_OUT, "vm-to-dial-out"),
        Choice("5", Action.SEND, "vm-to-send"),
        Choice("*", Action.BACK, "vm-to-back"),
    ),
)

FOLDERS = Menu(
    "After 2 or 9: folders",
    (
        Choice("0", Action.INBOX, "for vm-folder-inbox"),
        Choice("1", Action.OLD, "for vm-folder-old"),
        Choice("2", Action.WORK, "for vm-folder-work"),
        Choice("3", Action.FAMILY, "for vm-folder-family"),
        Choice("4", Action.FRIENDS, "for vm-folder-friends"),
        Choice("5", Action.TRASH, "for vm-folder-trash"),
        Choice("*", Action.BACK, "vm-to-back"),
    ),
)

OPTIONS = Menu(
    "After 0: mailbox options",
    (
        Choice("1", Action.UNAVAILABLE, "vm-to-unavailable"),
        Choice("2", Action.BUSY, "vm-to-busy"),
        Choice("3", Action.NAME, "vm-to-name"),
        Choice("4", Action.TEMPORARY, "vm-to-temporary"),
        Choice("5", Action.PIN, "vm-to-pin"),
        Choice("6", Action.GREETINGS, "vm-to-greetings"),
        Choice("*", Action.BACK, "vm-to-back"),
    ),
)

GREETING = Menu(
    "On a greeting that is there",
    (
        Choice("1", Action.RECORD, "vm-to-record"),
        Choice("2", Action.LISTEN, "vm-to-listen"),
        Choice("3", Action.ERASE, "vm-to-erase"),
        Choice("4", Action.USE, "vm-to-use"),
        Choice("*", Action.BACK, "vm-to-back"),
    ),
)

REVIEW = Menu(
    "After a recording",
    (
        Choice("1", Action.ACCEPT, "vm-to-accept"),
        Choice("2", Action.LISTEN, "vm-to-listen"),
        Choice("3", Action.RECORD, "vm-to-record-again"),
        Choice("4", Action.URGENT, "vm-to-urgent"),
        Choice("4", Action.NOT_URGENT, "vm-to-not-urgent"),
        Choice("0", Action.OPERATOR, "vm-to-operator"),
        Choice("*", Action.BACK, "vm-to-cancel"),
    ),
)

INTRODUCTION = Menu(
    "Before a message is forwarded",
    (
        Choice("1", Action.RECORD, "vm-to-introduce"),
        Choice("2", Action.FORWARD, "vm-to-send-alone"),
        Choice("*", Action.BACK, "vm-to-cancel"),
    ),
)

CALLING = Menu(
    "Before a number is called",
    (
        Choice("1", Action.DIAL, "vm-to-dial"),
        Choice("*", Action.BACK, "vm-to-cancel"),
    ),
)

MENUS = (MAIN, MESSAGE, PLAYING, MORE, FOLDERS, OPTIONS, GREETING, REVIEW, INTRODUCTION, CALLING)
"""All of them, in the order of the card."""
