"""A letter as a mail server takes it: lines of ASCII, whatever a caller is called."""

from __future__ import annotations

import mimetypes
import re
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from typing import TYPE_CHECKING

import msgspec

from ctportd.config import MAIL_ADDRESS
from ctportd.errors import InvalidArgument

if TYPE_CHECKING:
    from datetime import datetime

    from ctportd.mail.letter import Letter

_POLICY = SMTP.clone(cte_type="7bit")  # every server takes it, and no word of it depends on what one offers

_OCTETS = "application/octet-stream"


def cleaned(letter: Letter) -> Letter:
    """A letter that can be written down and sent.

    Raises:
        InvalidArgument: It goes to nobody, or to what is no address.
    """
    if not letter.to:
        raise InvalidArgument("post", "to", "is empty where one address or more are expected")
    for address in letter.to:
        if not re.match(MAIL_ADDRESS, address):
            raise InvalidArgument(
                "post", "to", f"has {address!r} where an address such as ada@example.com is expected"
            )
    return msgspec.structs.replace(
        letter,
        subject=one_line(letter.subject),
        text=_readable(letter.text),
        about={key: _readable(value) for key, value in letter.about.items()},
    )


def one_line(text: str) -> str:
    """Text that came from anywhere as a header may hold it: what would end the line, or cannot be seen, is left out."""
    shown = "".join(character if character.isprintable() else " " for character in _readable(text))
    return " ".join(shown.split())


def _readable(text: str) -> str:
    """Text from a telephone line: bytes that were no UTF-8 become question marks."""
    return text.encode("utf-8", "replace").decode()


def composed(letter: Letter, sender: str, posted_at: datetime) -> bytes:
    """The whole message. It reads the attachments from the disk.

    The same letter has the same Message-ID each time, so that one that was sent twice can be known.

    Raises:
        OSError: An attachment cannot be read.
    """
    name, address = parseaddr(sender)
    message = EmailMessage(_POLICY)
    message["From"] = _mailbox(name, address)
    message["To"] = ", ".join(letter.to)
    message["Subject"] = one_line(letter.subject)
    message["Date"] = format_datetime(posted_at)
    message["Message-ID"] = f"<{letter.id}@{address.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence is to be told to a machine
    message.set_content(_readable(letter.text))
    for path in letter.attachments:
        kind, encoding = mimetypes.guess_type(path.name)
        main, _, sub = (_OCTETS if kind is None or encoding else kind).partition("/")
        message.add_attachment(path.read_bytes(), maintype=main, subtype=sub, filename=one_line(path.name))
    return message.as_bytes()


def _mailbox(name: str, address: str) -> str:
    """A sender as its header has it; quotes in the name are the header's own matter."""
    quoted = one_line(name).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{quoted}" <{address}>' if quoted else address
