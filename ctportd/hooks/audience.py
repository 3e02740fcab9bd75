"""Who is told all that the plugins' observers are told."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable


class Audience:
    """Whoever watches the daemon, if anybody does.

    Attributes:
        listener: Is told each hook with its arguments, and more that is none; must neither wait nor raise. None: nobody
            listens.
    """

    __slots__ = ("listener",)

    def __init__(self) -> None:
        self.listener: Callable[[str, dict[str, Any]], None] | None = None
