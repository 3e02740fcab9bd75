"""The examples of the documents."""

from __future__ import annotations

import re

from support.system import ROOT


def code_blocks(document: str, language: str) -> list[str]:
    """The blocks of a language in a document."""
    return re.findall(rf"^```{language}\n(.*?)^```$", (ROOT / document).read_text(), re.DOTALL | re.MULTILINE)
