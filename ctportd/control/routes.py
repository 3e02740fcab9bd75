"""The paths of the control interface as data: the server serves them, and what documents them is made from them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handle: TypeAlias = Callable[[Any, Any, Any], Awaitable[Any]]

CONFIGURATION = "Configuration"
"""The title of an answer that tells of a mistake in the configuration; whoever asked is not at fault."""

_PLACEHOLDER = re.compile(r"\{([a-z_]+)\}")


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters, or no body."""


class Route(msgspec.Struct, frozen=True):
    """One path with one method.

    Attributes:
        method: ``GET``, ``POST``, ``PUT`` or ``DELETE``.
        path: With its parameters in braces: ``/v1/ports/{port}/requests``.
        handle: Is given what the server serves, the parameters and the body; returns the answer.
        answer: The type of the answer.
        parameters: A structure of those in the path and in the query; those with a default may be left out.
        body: A structure of the body; where all of its fields have defaults, it may be left out.
    """

    method: str
    path: str
    handle: Handle
    answer: Any
    parameters: type[msgspec.Struct] = Nothing
    body: type[msgspec.Struct] = Nothing

    @property
    def name(self) -> str:
        """What the function is called that handles it."""
        return self.handle.__name__

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return (self.handle.__doc__ or "").strip().partition("\n")[0]

    @property
    def in_path(self) -> tuple[str, ...]:
        """The names of the parameters that stand in the path."""
        return tuple(_PLACEHOLDER.findall(self.path))


class Routes(list[Route]):
    """Collects routes where their functions stand."""

    def add(
        self,
        method: str,
        path: str,
        answer: Any,
        *,
        parameters: type[msgspec.Struct] = Nothing,
        body: type[msgspec.Struct] = Nothing,
    ) -> Callable[[Handle], Handle]:
        """Have the decorated function handle a path; its docstring tells people what it does."""

        def collect(handle: Handle) -> Handle:
            self.append(Route(method, path, handle, answer, parameters, body))
            return handle

        return collect
