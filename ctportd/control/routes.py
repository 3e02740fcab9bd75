"""The paths of the control interface as data: the server serves them, and what documents them is made from them."""

from __future__ import annotations

import inspect
import re
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    Handle: TypeAlias = Callable[[Any, Any, Any], Awaitable[Any]]

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
        problems: The errors that are to be expected, beside those of parameters and bodies that will not do.
        content_type: Of the answer.
    """

    method: str
    path: str
    handle: Handle
    answer: Any
    parameters: type[msgspec.Struct] = Nothing
    body: type[msgspec.Struct] = Nothing
    problems: tuple[type[Exception], ...] = ()
    content_type: str = "application/json"

    @property
    def name(self) -> str:
        """What the function is called that handles it."""
        return self.handle.__name__

    @property
    def summary(self) -> str:
        """What it does, in one line."""
        return (self.handle.__doc__ or "").strip().partition("\n")[0]

    @property
    def description(self) -> str:
        """What more there is to say of it; empty where that is all."""
        return inspect.cleandoc((self.handle.__doc__ or "").strip().partition("\n")[2]).strip()

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
        problems: tuple[type[Exception], ...] = (),
        content_type: str = "application/json",
    ) -> Callable[[Handle], Handle]:
        """Have the decorated function handle a path; its docstring tells people what it does."""

        def collect(handle: Handle) -> Handle:
            self.append(Route(method, path, handle, answer, parameters, body, problems, content_type))
            return handle

        return collect
