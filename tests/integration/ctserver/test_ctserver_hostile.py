"""Any bytes, in any pieces, on several connections at once: whoever behaves is served afterwards."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ctportd.ctserver.client import PORT_REQUESTS
from ctportd.ctserver.server_requests import SERVER_REQUESTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractAsyncContextManager
    from pathlib import Path

    from integration.ctserver.conftest import Office

words = st.sampled_from(
    [
        *(f"cmd={cmd} src=0 dst=0 " for cmd in PORT_REQUESTS),
        *(f"{cmd}\n" for cmd in PORT_REQUESTS),
        *(f"cmd={cmd} dst=-2 \n" for cmd in SERVER_REQUESTS if cmd != "shutdown"),
        *(
            "arg1=x.wav ",
            "arg1=1 ",
            "arg2=9 ",
            "x.au\n",
            "\n",
            "\n",
            " \n",
            "\0",
            "\r",
            "src=",
            "=",
            "GET / HTTP/1.1\n",
        ),
    ]
)
pieces = st.one_of(words.map(str.encode), st.binary(max_size=20), st.just(b"x" * 70_000))
said = st.tuples(st.integers(0, 3), pieces)  # by which connection
openings = st.sampled_from([b"cmd=ctclear \n", b"ctclear\n", b""])  # who opens like no client is dropped at once
endings = st.sampled_from(["closed", "half closed", "reset", "stays"])


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(everything=st.lists(said, max_size=40), opening=openings, ending=endings)
async def test_hostile_clients(
    open_office: Callable[..., AbstractAsyncContextManager[Office]],
    tmp_path: Path,
    everything: list[tuple[int, bytes]],
    opening: bytes,
    ending: str,
) -> None:
    """Three on a port, one at the manager. None of them is answered for a fault of ours."""
    async with open_office(record_folders=(tmp_path,), play_folders=(tmp_path,)) as office, asyncio.timeout(30):
        doors = [office.settings.manager_port, *[office.settings.first_port] * 3]
        hostile = [await asyncio.open_connection("127.0.0.1", door) for door in doors]
        heard = [asyncio.create_task(listen(reader)) for reader, _ in hostile]
        for _, writer in hostile:
            writer.write(opening)
        for number, piece in everything:
            hostile[number][1].write(piece)
            await asyncio.sleep(0)
        for _, writer in hostile:
            leave(writer, ending)
        manager = await office.client(0)
        assert (await manager.ask("portreset", dst=1))[0] == "OK"  # which ends whatever blocks
        assert await (await office.client(1)).ask("ctclear") == ("OK",)
        assert await (await office.client(2)).ask("ctsleep", "0") == ("OK", "")
        for _, writer in hostile:
            writer.transport.abort()
        told = b"".join(await asyncio.gather(*heard))
    assert b"internal-error" not in told


async def listen(reader: asyncio.StreamReader) -> bytes:
    """Everything that the server says."""
    heard = b""
    with contextlib.suppress(ConnectionError):
        while data := await reader.read(65536):
            heard += data
    return heard


def leave(writer: asyncio.StreamWriter, how: str) -> None:
    """End a connection, or not."""
    if writer.transport.is_closing():
        return
    match how:
        case "closed":
            writer.close()
        case "half closed":
            with contextlib.suppress(OSError):  # it was thrown out just now
                writer.write_eof()
        case "reset":
            writer.transport.abort()
