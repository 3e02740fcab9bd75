"""Where a file to play is looked for."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

from ctportd.errors import PromptNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CTSERVER_FOLDERS = (Path("/var/ctserver/UsMEng"), Path("/var/ctserver/USEngM"))
"""ctserver's own vocabulary: its manual and its package spell the folder differently, so both are tried."""

SHIPPED = Path(__file__).parent.parent / "prompts"
"""The prompts that come with ctportd: the last place, so that an owner's own go before them."""


class Prompts:
    """Finds prompts by name.

    Args:
        paths: Folders of the configuration, in order.
        default_ext: What a name without a dot is given, such as ``.au``.
        working_directory: The daemon's.
        ignore_dtmf: Whether prompts are played to their end, whatever is pressed, unless a plugin says otherwise.
    """

    def __init__(
        self,
        paths: Sequence[Path] = (),
        default_ext: str = ".au",
        working_directory: Path | None = None,
        *,
        ignore_dtmf: bool = False,
    ) -> None:
        self.ignore_dtmf = ignore_dtmf
        here = working_directory or Path.cwd()
        self._folders = [
            *(here / path for path in paths),
            here,
            here / "prompts",
            *CTSERVER_FOLDERS,
            SHIPPED,
        ]
        self._default_ext = default_ext

    def find(self, name: str) -> Path:
        """The full path of a prompt. Looks at the disk.

        Args:
            name: A full path, or a name to be looked for; without a dot it gets the default extension.

        Raises:
            PromptNotFound: It is in none of the places; the error names them all.
        """
        places = list(self._places(name))
        for place in places:
            if os.path.isfile(place):  # noqa: PTH113 - Path.is_file raises where a name is too long, or a folder closed
                return place
        raise PromptNotFound(name, tuple(str(place) for place in places))

    def find_all(self, names: Sequence[str]) -> list[Path]:
        """The full paths of several prompts; a name with spaces is several names."""
        return [self.find(name) for several in names for name in several.split()]

    def _places(self, name: str) -> Iterator[Path]:
        file = Path(name if "." in Path(name).name else name + self._default_ext)
        if file.is_absolute():
            yield file
        else:
            yield from (folder / file for folder in self._folders)
