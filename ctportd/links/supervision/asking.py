"""Asks whoever listens on a manager port whether it is a ctserver."""

from __future__ import annotations

import asyncio

from ctportd.wire.events import is_reply, is_status
from ctportd.wire.keyed import Decoder, encode_request, parse_message
from ctportd.wire.message import MANAGER_HANDLE, Message, Request

ANSWER_TIMEOUT = 1.0
"""Seconds; a ctserver on this machine answers in milliseconds (our figure)."""

_QUESTION = Request("serversion", MANAGER_HANDLE, MANAGER_HANDLE, ())
_PIECE = 4096


async def answers(host: str, tcp_port: int) -> bool:
    """Whether it answers ``serversion`` in the keyed dialect."""
    try:
        async with asyncio.timeout(ANSWER_TIMEOUT):
            return await _ask(host, tcp_port)
    except (OSError, TimeoutError):
        return False


async def _ask(host: str, tcp_port: int) -> bool:
    reader, writer = await asyncio.open_connection(host, tcp_port)
    try:
        writer.write(encode_request(_QUESTION))
        decoder = Decoder(parse_message)
        while data := await reader.read(_PIECE):
            if any(isinstance(line, Message) and _is_answer(line) for line in decoder.feed(data)):
                return True
        return False
    finally:
        writer.close()


def _is_answer(message: Message) -> bool:
    return is_reply(message, _QUESTION.cmd) and is_status(message.status)
