"""One conversation with the mail server."""

from __future__ import annotations

import asyncio
import os
import ssl
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import aiosmtplib
import msgspec

from ctportd.errors import MailError

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping

    from ctportd.config import MailTable

_TOO_BIG = 552
"""The one refusal of a sender's MAIL command that is about the letter: it is bigger than the server takes (RFC 1870)."""

LONGEST_WORDS = 500
"""Characters of what the server says that are kept (our figure)."""

QUIT_TIMEOUT = 2.0
"""Seconds that a server gets to say good-bye (our figure)."""


class Outcome(msgspec.Struct, frozen=True):
    """What the server said to a letter.

    Attributes:
        said: Its words when it took the letter; empty where nobody gets it.
        later: Recipients whose letter may be taken another time, each with what was said.
        never: Recipients who will not get it.
    """

    said: str = ""
    later: dict[str, str] = {}
    never: dict[str, str] = {}


class MailServer:
    """A server that is connected, and knows who we are."""

    def __init__(self, client: aiosmtplib.SMTP, name: str) -> None:
        self._client = client
        self._name = name

    @property
    def usable(self) -> bool:
        """Whether it takes another letter."""
        return self._client.is_connected

    async def deliver(self, sender: str, recipients: list[str], message: bytes) -> Outcome:
        """Offer a letter.

        Raises:
            MailError: It was lost on the way, or does not want any letter of ours now.
        """
        try:
            refused, said = await self._client.sendmail(sender, recipients, message)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refusals = {each.recipient: (each.code, each.message) for each in error.recipients}
            return _sorted(refusals)
        except aiosmtplib.SMTPDataError as error:
            return _sorted(dict.fromkeys(recipients, (error.code, error.message)))
        except aiosmtplib.SMTPSenderRefused as error:
            if error.code >= 500 and error.code != _TOO_BIG:  # an address or an account that is set wrong
                raise MailError(f"{self._name} refuses {sender} as [mail] sender: {told(error)}") from error
            return _sorted(dict.fromkeys(recipients, (error.code, error.message)))
        except (aiosmtplib.SMTPException, OSError, ValueError) as error:
            self._client.close()
            raise MailError(f"{self._name} was lost while it was given a letter: {told(error)}") from error
        return _sorted({address: (reply.code, reply.message) for address, reply in refused.items()}, f"250 {said}")


def _sorted(refusals: Mapping[str, tuple[int, str]], said: str = "") -> Outcome:
    """Refusals told apart: 4xx passes, 5xx does not."""
    words = {address: _one_line(f"{code} {text}") for address, (code, text) in refusals.items()}
    later = {address for address, (code, _) in refusals.items() if code < 500}
    return Outcome(
        said=_one_line(said),
        later={address: text for address, text in words.items() if address in later},
        never={address: text for address, text in words.items() if address not in later},
    )


@asynccontextmanager
async def connected(table: MailTable) -> AsyncIterator[MailServer]:
    """The server of the configuration, as long as the block lasts.

    Raises:
        MailError: It cannot be reached, is not who it should be, or does not know us.
    """
    name = f"the mail server {table.host}:{table.tcp_port}"
    context, password = await asyncio.to_thread(credentials, table)
    client = aiosmtplib.SMTP(
        hostname=table.host,
        port=table.tcp_port,
        username=table.user or None,
        password=password or None,
        use_tls=table.security == "tls",
        start_tls=table.security == "starttls",
        tls_context=context,
        timeout=table.timeout,
    )
    try:
        await client.connect()
    except aiosmtplib.SMTPAuthenticationError as error:
        raise MailError(
            f"{name} does not know [mail] user {table.user!r} by its password: {told(error)}"
        ) from error
    except aiosmtplib.SMTPConnectError as error:
        raise MailError(f"{name} cannot be used: {_unreached(error)}; check [mail] host and port") from error
    except (aiosmtplib.SMTPException, OSError, ValueError) as error:
        raise MailError(f"{name} cannot be used: {told(error)}") from error
    try:
        yield MailServer(client, name)
        if client.is_connected:
            with suppress(aiosmtplib.SMTPException, OSError):  # all is said: it may go as it likes
                await client.quit(timeout=QUIT_TIMEOUT)
    finally:
        client.close()


def check_set(table: MailTable) -> None:
    """See that there is a server to send to.

    Raises:
        MailError: There is none.
    """
    if not table.host:
        raise MailError("no mail server is set, so that no letter can be sent: set host and sender in [mail]")


def told(error: Exception) -> str:
    """What the server said, or what went wrong with it, in one line."""
    if isinstance(error, aiosmtplib.SMTPResponseException):
        return _one_line(f"{error.code} {error.message}")
    return _one_line(str(error)) or type(error).__name__


def _unreached(error: aiosmtplib.SMTPConnectError) -> str:
    """What the system says of a connection, without the address: that stands before it."""
    cause = error.__cause__
    if not isinstance(cause, OSError) or cause.errno is None:
        return told(error)
    return os.strerror(cause.errno) if cause.errno > 0 else str(cause.strerror)  # below 0: a name is not found


def _one_line(text: str) -> str:
    readable = text.encode("utf-8", "replace").decode()  # the library hands on bytes that are no UTF-8
    return " ".join(readable.split())[:LONGEST_WORDS]


def credentials(table: MailTable) -> tuple[ssl.SSLContext | None, str]:
    """Certificates to trust, and the password, from the disk each time: both are renewed while the daemon runs.

    Raises:
        MailError: One cannot be read.
    """
    try:
        context = None if table.security == "none" else ssl.create_default_context(cafile=table.ca_file or None)
    except OSError as error:  # ssl.SSLError is one, too
        problem = error.strerror or str(error)
        raise MailError(f"[mail] ca_file {table.ca_file!r} cannot be used: {problem}") from error
    password = table.password
    try:
        if table.password_file:
            password = Path(table.password_file).read_text("utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8"
        raise MailError(f"[mail] password_file {table.password_file!r} cannot be read: {reason}") from error
    return context, password
