"""The control interface against its own document: every answer is compared with what is declared for it."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import aiohttp
import msgspec
from jsonschema import Draft202012Validator, FormatChecker

from ctportd.control.openapi import document

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from ctportd.control.routes import Route

_LONGEST = 256 * 1024  # bytes of an answer that are read: a stream has no end


@dataclass(frozen=True)
class Sample:
    """One request, and what it is to be answered with.

    Attributes:
        url: Path and query.
        status: Of the answer.
        body: JSON that is sent.
        headers: That are sent.
        kind: The name of the problem that it is to be; empty: any, or none.
    """

    url: str
    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    kind: str = ""


class Contract:
    """Asks, and keeps account of what was answered.

    Attributes:
        document: What is declared.
        answered: Each operation that was asked, with each status that it was answered with.
    """

    def __init__(self, routes: Sequence[Route]) -> None:
        self.document = document(routes)
        self.answered: set[tuple[str, str]] = set()
        self._strict = {"components": _closed(self.document["components"])}

    @property
    def declared(self) -> set[tuple[str, str]]:
        """Each operation, with each status that is declared for it."""
        return {
            (f"{method.upper()} {path}", status)
            for path, operations in self.document["paths"].items()
            for method, operation in operations.items()
            for status in operation["responses"]
            if status != "default"
        }

    async def ask(self, socket: Path, operation: str, sample: Sample) -> bytes:
        """Ask, compare with what is declared, and return what came: of a stream, the first piece."""
        method, _, path = operation.partition(" ")
        responses = self.document["paths"][path][method.lower()]["responses"]
        body = b"" if sample.body is None else msgspec.json.encode(sample.body)
        async with (
            aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as session,
            session.request(
                method, f"http://ctportd{sample.url}", data=io.BytesIO(body), headers=dict(sample.headers)
            ) as response,
        ):
            streams = response.content_type == "text/event-stream"
            answer = await (response.content.readany() if streams else response.content.read(_LONGEST))
        status = str(response.status)
        where = f"{method} {sample.url}: {status} {answer[:500]!r}"
        assert response.status == sample.status, where
        assert status in responses, f"{where}: not declared"
        (content_type, content) = next(iter(responses[status]["content"].items()))
        assert response.content_type == content_type, where
        if content_type.endswith("json"):
            told = msgspec.json.decode(answer)
            self.check(told, content["schema"], where)
            assert not sample.kind or told["type"] == f"urn:ctportd:problem:{sample.kind}", where
        self.answered.add((operation, status))
        return answer

    def check(self, told: Any, schema: Mapping[str, Any], where: str) -> None:
        """Compare an answer with its schema, in which nothing may stand that is not declared."""
        validator = Draft202012Validator({**schema, **self._strict}, format_checker=FormatChecker())
        errors = [f"{error.json_path}: {error.message}" for error in validator.iter_errors(told)]
        assert not errors, f"{where}: {errors}"


def _closed(schema: Any) -> Any:
    """A schema whose objects have no other keys than those that are declared."""
    if isinstance(schema, list):
        return [_closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(value) for key, value in schema.items()}
    return {"additionalProperties": False, **closed} if "properties" in closed else closed
