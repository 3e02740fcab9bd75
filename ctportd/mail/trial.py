"""A test letter: tells whether the table ``[mail]`` is right, before the first real one has to wait for that."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import msgspec

from ctportd.errors import MailError
from ctportd.mail.compose import cleaned, composed
from ctportd.mail.letter import Letter
from ctportd.mail.server import check_set, connected

if TYPE_CHECKING:
    from ctportd.config import MailTable

_TEXT = "This letter was sent to see whether ctportd can send letters. It can.\n"


async def send_test_letter(table: MailTable, address: str) -> str:
    """Send one, at once; returns what the server said when it took it.

    Raises:
        InvalidArgument: That is no address.
        MailError: No server is set, it cannot be used, or it refuses the letter.
    """
    check_set(table)
    letter = cleaned(Letter(to=[address], subject="A letter from ctportd", text=_TEXT))
    letter = msgspec.structs.replace(letter, id=f"test-{secrets.token_hex(8)}")
    message = await asyncio.to_thread(composed, letter, table.sender, datetime.now(UTC))
    async with connected(table) as server:
        outcome = await server.deliver(table.sender_address, letter.to, message)
    refused = outcome.later | outcome.never
    if refused:
        raise MailError(f"the mail server {table.host}:{table.tcp_port} refuses {address}: {refused[address]}")
    return outcome.said
