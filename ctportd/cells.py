"""Texts in the cells of a CSV, which people open in spreadsheets: there, some are taken for formulas.

A caller chooses the name, and often the number: neither may compute anything on the machine of who reads a list.
"""

from __future__ import annotations

import re

_FORMULA = re.compile(r"'*[=+\-@\t\r\n]")
"""What a cell begins with that would be a formula, or would be one without the marks before it."""

_NUMBER = re.compile(r"[+-]?[0-9*?]+")
"""A telephone number, with or without wildcards, which computes nothing."""


def cell(text: str) -> str:
    """A text as it is written: one that would be a formula begins with an apostrophe."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # which a CSV takes for the end of a row
    return f"'{text}" if _FORMULA.match(text) and not _NUMBER.fullmatch(text) else text


def text_of(cell: str) -> str:
    """A cell as it was meant: without the apostrophe that :func:`cell` has put before it."""
    return cell[1:] if cell.startswith("'") and _FORMULA.match(cell) else cell
