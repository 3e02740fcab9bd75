"""The control interface's client, as the command line uses it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec

from ctportd.errors import ControlError
from ctportd.status import Rotated, Status

if TYPE_CHECKING:
    from pathlib import Path


class ControlClient:
    """Speaks to the daemon on a socket. Every method may raise :class:`~ctportd.errors.ControlError`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def status(self) -> Status:
        """What the daemon is and does."""
        return msgspec.json.decode(await self._ask("GET", "/v1/status"), type=Status)

    async def rotate(self) -> Rotated:
        """Have it roll the logs."""
        return msgspec.json.decode(await self._ask("POST", "/v1/rotate"), type=Rotated)

    async def stop(self) -> None:
        """Have it begin to stop."""
        await self._ask("POST", "/v1/stop")

    async def request(self, port: str, name: str, arguments: list[str]) -> dict[str, Any]:
        """Have it send one request of ctserver; returns the reply."""
        body = msgspec.json.encode({"name": name, "arguments": arguments})
        reply: dict[str, Any] = msgspec.json.decode(await self._ask("POST", f"/v1/ports/{port}/requests", body))
        return reply

    async def _ask(self, method: str, path: str, body: bytes = b"") -> bytes:
        connector = aiohttp.UnixConnector(str(self._path))
        timeout = aiohttp.ClientTimeout(total=None)  # a request may take as long as its line does
        try:
            async with (
                aiohttp.ClientSession(connector=connector, timeout=timeout) as session,
                session.request(method, f"http://ctportd{path}", data=body) as response,
            ):
                answer = await response.read()
        except (aiohttp.ClientError, OSError) as error:
            problem = f"no ctportd answers on {self._path}; is it running?"
            raise ControlError(problem) from error
        if response.status >= 400:
            raise ControlError(_detail(answer) or f"{method} {path}: {response.reason}")
        return answer


def _detail(answer: bytes) -> str:
    try:
        problem = msgspec.json.decode(answer)
    except msgspec.DecodeError:
        return ""
    return str(problem.get("detail", "")) if isinstance(problem, dict) else ""
