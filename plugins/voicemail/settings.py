"""The table ``[plugins.voicemail]``: what holds for all mailboxes, and what for one."""

from __future__ import annotations

import re
from typing import Annotated, Literal, TypeAlias

import msgspec
from msgspec import Meta

from ctportd import LONGEST_PIN, MAIL_ADDRESS, PinHash, check_pin, read_zone

MAILBOX = r"^[A-Za-z0-9_-]+\Z"
"""A mailbox is a folder's name, too."""

OWNER = "owner"
"""The target with which owners are let in, which can be no mailbox."""

PLACEHOLDERS = ("caller", "number", "name", "when", "duration", "mailbox", "owner")
"""What a mail's text may have in braces."""

Number: TypeAlias = Annotated[int, Meta(ge=0)]
Positive: TypeAlias = Annotated[int, Meta(ge=1)]
Rings: TypeAlias = Annotated[int, Meta(ge=0, le=20)]
Digits: TypeAlias = Annotated[str, Meta(pattern=r"^[0-9]+\Z")]
Class: TypeAlias = Literal["permitted", "screened", "blocked"]


class MailTemplate(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The mail that tells of a message. ``{caller}``, ``{number}``, ``{name}``, ``{when}``, ``{duration}``,
    ``{mailbox}`` and ``{owner}`` stand for what is known of it.

    Attributes:
        subject: One line.
        text: The mail itself.
    """  # noqa: D205 - the names are one list

    subject: str = "New message from {caller}"
    text: str = (
        "Hello {owner},\n\n{caller} has left a message of {duration} in mailbox {mailbox} on {when}.\n"
        "Call your mailbox to hear it.\n"
    )

    def __post_init__(self) -> None:
        """Refuse what would never be filled in."""
        if "\n" in self.subject.strip():
            raise ValueError("subject: has more than one line")
        for key, text in (("subject", self.subject), ("text", self.text)):
            for name in re.findall(r"\{(\w*)\}", text):
                if name not in PLACEHOLDERS:
                    known = ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
                    raise ValueError(f"{key}: has '{{{name}}}' where one of {known} is expected")


class Rules(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What holds for every mailbox that says nothing else.

    Attributes:
        greeting: The prompt of a mailbox whose owner has recorded none; empty: the mailbox's name or number is said to
            be not available, and ``vm-intro`` where the mailbox is not in the table.
        greetings_by_class: For callers of a class, the greeting: a kind that the owner records, such as ``2``, or a
            prompt.
        longest: Seconds that a message may have.
        shortest: Seconds that it must have to be kept.
        silence: Seconds of silence that end it (0: none do).
        tries: How often a caller may try again whose message was too short.
        trim: Whether the silence at its end is left out.
        keep_silent: Whether a message is kept in which nothing is heard; else it is as if it were too short.
        review: Whether callers may hear their message, speak it again, and mark it as urgent.
        operator: The handler that gets who presses ``0``; empty: nobody does.
        human_test: Whether who is not permitted has to press 1 before a message is taken.
        rings: After how many rings calls are answered; 0: as soon as they are offered.
        rings_by_class: The same for callers of a class.
        toll_saver: After how many rings, if fewer, while there are new messages; 0: that makes no difference.
        most_messages: Messages that a mailbox may hold, its trash left out (0: no limit).
        most_seconds: Seconds that they may have, all together (0: no limit).
        keep_days: Days after which messages in the folder Old are removed (0: never).
        keep_new_days: The same for the folder INBOX.
        trash_days: The same for Trash.
        attach: Whether a mail that tells of a message has the recording with it.
        delete_after_mail: Whether a message goes to the trash as soon as the mail server has accepted that mail.
        mail_template: What the mail says.
        zone: In whose time zone times are told, as ``Europe/Berlin``; empty: this machine's.
        first_use: Whether an owner's first visit begins with PIN, name and greeting.
        dial_out: Whether an owner may call out by way of the mailbox: who has the PIN, calls on your bill.
        dial_longest: Digits that a number may have which is called so.
        dial_prefixes: What such a number has to begin with; none: any will do.
    """

    greeting: str = ""
    greetings_by_class: dict[Class, str] = {}
    longest: Positive = 180
    shortest: Number = 1
    silence: Number = 8
    tries: Positive = 3
    trim: bool = True
    keep_silent: bool = True
    review: bool = False
    operator: str = ""
    human_test: bool = False
    rings: Rings = 0
    rings_by_class: dict[Class, Rings] = {}
    toll_saver: Rings = 0
    most_messages: Number = 0
    most_seconds: Number = 0
    keep_days: Number = 0
    keep_new_days: Number = 0
    trash_days: Number = 30
    attach: bool = True
    delete_after_mail: bool = False
    mail_template: MailTemplate = MailTemplate()
    zone: str = ""
    first_use: bool = False
    dial_out: bool = False
    dial_longest: Annotated[int, Meta(ge=1, le=32)] = 15
    dial_prefixes: list[Digits] = []

    def __post_init__(self) -> None:
        """Refuse a time zone that there is not."""
        read_zone(self.zone)


class Mailbox(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """The table of one mailbox, ``[plugins.voicemail.mailboxes.NUMBER]``. What it does not say is as for all of them.

    Attributes:
        name: Its owner's.
        pin: With which its owner is let in, as ``ctportd pin`` prints it; empty: nobody is.
        email: Who is told of its messages by mail: an address, or several.
    """

    name: str = ""
    pin: PinHash = ""
    email: str | list[str] = []

    greeting: str | None = None
    greetings_by_class: dict[Class, str] | None = None
    longest: Positive | None = None
    shortest: Number | None = None
    silence: Number | None = None
    tries: Positive | None = None
    trim: bool | None = None
    keep_silent: bool | None = None
    review: bool | None = None
    operator: str | None = None
    human_test: bool | None = None
    rings: Rings | None = None
    rings_by_class: dict[Class, Rings] | None = None
    toll_saver: Rings | None = None
    most_messages: Number | None = None
    most_seconds: Number | None = None
    keep_days: Number | None = None
    keep_new_days: Number | None = None
    trash_days: Number | None = None
    attach: bool | None = None
    delete_after_mail: bool | None = None
    mail_template: MailTemplate | None = None
    zone: str | None = None
    first_use: bool | None = None
    dial_out: bool | None = None
    dial_longest: Annotated[int, Meta(ge=1, le=32)] | None = None
    dial_prefixes: list[Digits] | None = None

    def __post_init__(self) -> None:
        """Refuse what its owner would learn of on the telephone only."""
        read_zone(self.zone or "")
        for address in self.emails:
            if not re.match(MAIL_ADDRESS, address):
                raise ValueError(f"email: '{address}' is no address, such as 'ada@example.org'")
        check_pin(self.pin)

    @property
    def emails(self) -> list[str]:
        """All addresses."""
        return [self.email] if isinstance(self.email, str) else self.email


class Settings(Rules):
    """The table ``[plugins.voicemail]``.

    Attributes:
        mailbox: Whose the messages are of callers who were sent to no mailbox.
        mailboxes: Those that have an owner, by their numbers. Any other one takes messages, too.
        shortest_pin: Digits that a PIN must have which an owner chooses.
    """

    mailbox: Annotated[str, Meta(pattern=MAILBOX)] = "100"
    mailboxes: dict[str, Mailbox] = {}
    shortest_pin: Annotated[int, Meta(ge=4, le=LONGEST_PIN)] = 4

    def __post_init__(self) -> None:
        """Refuse mailboxes that could not be called so."""
        super().__post_init__()
        for number in self.mailboxes:
            if not re.match(MAILBOX, number) or number == OWNER:
                problem = f"'{number}' can be no mailbox: letters, digits, - and _ are expected, and not '{OWNER}'"
                raise ValueError(f"mailboxes: {problem}")

    def rules_of(self, number: str) -> Rules:
        """What holds for a mailbox, whether it is in the table or not."""
        own = self.mailboxes.get(number, Mailbox())
        said = {name: getattr(own, name) for name in Rules.__struct_fields__}
        values = {name: getattr(self, name) if value is None else value for name, value in said.items()}
        return Rules(**values)
