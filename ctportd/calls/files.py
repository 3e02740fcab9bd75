"""Where a file to play is looked for."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import TYPE_CHECKING

from ctportd.errors import InvalidArgument, PromptNotFound

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

CTSERVER_FOLDERS = (Path("/var/ctserver/UsMEng"), Path("/var/ctserver/USEngM"))
"""ctserver's own vocabulary: its manual and its package spell the folder differently, so both are tried."""

SHIPPED = Path(__file__).parent.parent / "prompts"
"""The prompts that come with ctportd: the last place, so that an owner's own go before them."""

LANGUAGE = r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}\Z"
"""What a language may be called: a folder's name, and nothing that leads out of the folder that it is in."""


def check_language(name: str) -> str:
    """A language's name, or an empty one, as it is.

    Raises:
        InvalidArgument: It is none.
    """
    if name and not re.match(LANGUAGE, name):
        expected = "up to 32 letters, digits, - and _, such as de or en-AU"
        raise InvalidArgument("language", "name", f"is {name!r} where {expected}, are expected")
    return name


class Prompts:
    """Finds prompts by name.

    Args:
        paths: Folders of the configuration, in order.
        default_ext: What a name without a dot is given, such as ``.au``.
        working_directory: The daemon's.
        ignore_dtmf: Whether prompts are played to their end, whatever is pressed, unless a plugin says otherwise.
        language: That of calls for which no other is chosen; empty: none.
    """

    def __init__(
        self,
        paths: Sequence[Path] = (),
        default_ext: str = ".au",
        working_directory: Path | None = None,
        *,
        ignore_dtmf: bool = False,
        language: str = "",
    ) -> None:
        self.ignore_dtmf = ignore_dtmf
        self.language = check_language(language)
        here = working_directory or Path.cwd()
        self._folders = [
            *(here / path for path in paths),
            here,
            here / "prompts",
            *CTSERVER_FOLDERS,
            SHIPPED,
        ]
        self._default_ext = default_ext

    def find(self, name: str, language: str = "") -> Path:
        """The full path of a prompt. Looks at the disk.

        Args:
            name: A full path, or a name to be looked for; without a dot it gets the default extension.
            language: A folder of this name inside each of the folders is looked into before all of them; what is not
                there is said in the plain one.

        Raises:
            PromptNotFound: It is in none of the places; the error names them all.
            InvalidArgument: The language is no folder's name.
        """
        places = list(self._places(name, check_language(language)))
        for place in places:
            if os.path.isfile(place):  # noqa: PTH113 - Path.is_file raises where a name is too long, or a folder closed
                return place
        raise PromptNotFound(name, tuple(str(place) for place in places))

    def find_all(self, names: Sequence[str], language: str = "") -> list[Path]:
        """The full paths of several prompts; a name with spaces is several names."""
        return [self.find(name, language) for several in names for name in several.split()]

    def _places(self, name: str, language: str) -> Iterator[Path]:
        file = Path(name if "." in Path(name).name else name + self._default_ext)
        if file.is_absolute():
            yield file
        else:
            if language:
                yield from (folder / language / file for folder in self._folders)
            yield from (folder / file for folder in self._folders)
